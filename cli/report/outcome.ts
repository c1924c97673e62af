import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import type { Plan } from '../../rollout/plan.ts'
import { type Recommendation, recommend } from '../../rollout/recommendation.ts'
import {
  type Gain,
  gainsOf,
  gainText,
  type Kpi,
  kpiTable,
  type TargetQueries,
} from '../../rollout/targets.ts'
import type { Table } from './tables.ts'

/** What came of a rollout so far: its targets, what green gained, and what to do next. */
export interface Outcome {
  kpis: Kpi[]
  gains: Gain[]
  recommendation?: Recommendation
  /** The least times that the clock ran into, in words. */
  floors: string[]
}

/**
 * The outcome from the journal and the numbers of the targets' queries. Pure.
 * @param asked what the queries of the targets gave
 * @param floors what the platform could not make as short as the clock asks
 */
export function outcomeOf(
  plan: Plan,
  clock: number,
  { alarms, guard }: Pick<Observation, 'alarms' | 'guard'>,
  journal: Journal | undefined,
  latch: Latch | undefined,
  asked: TargetQueries,
  floors: string[] = [],
): Outcome {
  const { green = {}, baselines = {} } = journal ?? {}
  const kpis = kpiTable(plan, { green, baselines, ...asked })
  const recommendation = journal && recommend({ plan, clock, journal, latch, alarms, guard, kpis })
  return { kpis, gains: gainsOf(green, baselines), recommendation, floors }
}

/** The targets of the plan, each met or missed. */
export function kpisTable({ kpis }: Outcome): Table {
  return {
    title: 'Targets',
    heading: ['target', 'asked for', 'measured', '', 'blue', 'change'],
    rows: kpis.map(({ title, target, actual, result, blue, change }) => [
      title,
      target,
      actual,
      result === 'missed' ? 'MISSED' : result,
      blue ?? '-',
      change ? gainText(change) : '-',
    ]),
    empty: 'the plan has no targets; add them under report: targets:',
  }
}

/** Green against what blue measured before the first step. */
export function gainsTable({ gains }: Outcome): Table {
  return {
    title: 'Green against blue before the first step',
    heading: ['service', 'measured', 'blue', 'green', 'change'],
    rows: gains.map((gain) => {
      const { service, metric, blue, green } = gain
      return [service, metric, blue, green, gainText(gain)]
    }),
    empty: 'no baseline was recorded, or green has not answered yet',
  }
}

/** Where the clock asked for less time than anything can be measured in. */
export function floorsTable({ floors }: Outcome): Table {
  return {
    title: 'Times that the clock could not shorten',
    heading: ['where, and what was used'],
    rows: floors.map((floor) => [floor]),
    empty: 'none: every time was the plan’s, divided by the clock',
  }
}

/** What was run, with the end of what it said. */
export function operationsTable(journal: Journal | undefined): Table {
  return {
    title: 'Operations',
    heading: ['operation', 'position', 'attempt', 'result', 'at', 'said'],
    rows: (journal?.operations ?? []).map(
      ({ operation, position, attempt, result, at, reason }) => [
        operation,
        position,
        String(attempt),
        result,
        at,
        reason,
      ],
    ),
    empty: 'none was run',
  }
}

/** The ends of phases, and what was to be looked at. */
export function checkpointsTable(journal: Journal | undefined): Table {
  return {
    title: 'Checkpoints and investigations',
    heading: ['what', 'position', 'at', 'shown'],
    rows: [
      ...(journal?.checkpoints ?? []).map(({ phase, position, at, gates }) => [
        `phase ${phase} finished`,
        position,
        at,
        gates.length > 0 ? `passed: ${gates.join(', ')}` : 'no gates',
      ]),
      ...(journal?.investigations ?? []).map(
        ({ guardrail, service, position, openedAt, closedAt, value, threshold }) => [
          `${guardrail} of ${service}`,
          position,
          openedAt,
          `${value} against ${threshold}, ${closedAt ? `closed ${closedAt}` : 'OPEN'}`,
        ],
      ),
    ],
    empty: 'none',
  }
}
