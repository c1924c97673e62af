import type { RolloutEvent } from '../../platforms/store.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { describeKpis } from '../../rollout/targets.ts'
import { formatWrapped } from '../format.ts'
import { WIDTH } from '../plan-table.ts'
import {
  checkpointsTable,
  floorsTable,
  gainsTable,
  kpisTable,
  type Outcome,
  operationsTable,
} from './outcome.ts'
import { backupsTable, limitsTable, type Table, tripsTable } from './tables.ts'

/** The report as text: what a person reads in a terminal, or pastes into a message. Pure. */
export function reportText(
  plan: Plan,
  events: readonly RolloutEvent[],
  journal: Journal | undefined,
  latch: Latch | undefined,
  outcome: Outcome,
): string[] {
  const { recommendation, kpis } = outcome
  const at = journal ? `at ${journal.verified.position}, attempt ${journal.attempt}` : 'no journal'
  return [
    `${plan.name}: ${latch?.latched ? 'LATCHED ' : ''}${at}`,
    ...(recommendation
      ? [`recommendation: ${recommendation.advice}, as ${recommendation.reason}`]
      : []),
    ...(kpis.length > 0 ? [describeKpis(kpis)] : []),
    ...[
      kpisTable(outcome),
      gainsTable(outcome),
      tripsTable(events, latch),
      limitsTable(events, plan),
      operationsTable(journal),
      checkpointsTable(journal),
      backupsTable(journal),
      floorsTable(outcome),
    ].flatMap(tableLines),
  ]
}

function tableLines({ title, heading, rows }: Table): string[] {
  if (rows.length === 0) return []
  return ['', title, ...formatWrapped([heading, ...rows], WIDTH - 2).map((line) => `  ${line}`)]
}
