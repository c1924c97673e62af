import { formatSpan } from '../rollout/duration.ts'
import { environmentBefore } from '../rollout/environments.ts'
import { flagShares, percentOf } from '../rollout/flag-file.ts'
import type { Journal } from '../rollout/journal.ts'
import { heldAgainst } from '../rollout/limits.ts'
import { isUnavailable, journalOf, latchOf, type Observation } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import { recommend } from '../rollout/recommendation.ts'
import type { Request } from '../rollout/request.ts'
import { withPromises } from '../rollout/rollback-limits.ts'
import { waitsFor } from '../rollout/rollback-words.ts'
import { againstPhases, cyclesOf, phasesOf } from '../rollout/services.ts'
import { type Kpi, kpiTable } from '../rollout/targets.ts'
import { greenOf } from '../rollout/weights.ts'
import type { Paint } from './paint.ts'

/** What the parts of a status look at. */
export interface PartsInput {
  request: Request
  observation: Observation
}

/** Where each phase stands; nothing where the plan has one for everything. */
export function phaseLines({ request, observation }: PartsInput, paint: Paint): string[] {
  const { plan } = request
  const journal = journalOf(observation)
  const phases = phasesOf(plan)
  if (phases.length < 2 || !journal) return []
  const positions = positionsOf(plan)
  const at = findPosition(positions, journal.verified.position)
  return phases.map(({ name, services }) => {
    const own = positions.filter(({ phase }) => phase === name)
    const [first, last] = [own[0]?.index ?? 0, own.at(-1)?.index ?? 0]
    const index = at?.index ?? 0
    const state =
      index < first
        ? paint('dim', 'to come')
        : index > last
          ? paint('good', 'finished')
          : paint('bold', `at ${at?.name}`)
    return `${name} (${services.length}): ${state}${checkpointText(journal, name)}`
  })
}

function checkpointText(journal: Journal, phase: string): string {
  const last = (journal.checkpoints ?? []).findLast(
    (each) => each.phase === phase && each.attempt === journal.attempt,
  )
  if (!last) return ''
  const gates = last.gates.length > 0 ? `, passed ${last.gates.join(', ')}` : ''
  return `; checkpoint of ${last.at}${gates}`
}

/** The way down of a progressive rollback. */
export function descentLines({ request, observation }: PartsInput, paint: Paint): string[] {
  const latch = latchOf(observation)
  if (!latch?.descent) return []
  const { left, everyMs, since } = latch.descent
  const passed = (Date.parse(observation.at) - Date.parse(since)) * request.clock
  const ceiling = Object.keys(latch.ceiling)
    .map((service) => `${service} ${greenOf(latch.ceiling, service)}`)
    .join(', ')
  return [
    `${paint('warn', 'going down')}: at most ${ceiling}; then ${left.join(', ')}, ${formatSpan(everyMs)} each, the next in ${formatSpan(Math.max(0, everyMs - passed) / request.clock)}`,
  ]
}

/** Rollbacks that are not done: what they wait for, and the promised times. */
export function rollbackLines({ observation }: PartsInput, paint: Paint): string[] {
  const journal = journalOf(observation)
  if (!journal) return []
  return (withPromises(journal, latchOf(observation)).rollbacks ?? [])
    .filter(({ doneAt }) => doneAt === undefined)
    .map((each) => {
      const took = Math.max(0, Date.parse(observation.at) - Date.parse(each.since))
      const limits = heldAgainst(journal.plan, each.scopes, took)
      const promised = limits.map(({ limit, promisedMs, kept }) =>
        kept
          ? `limit ${limit} ${formatSpan(promisedMs)}`
          : paint('bad', `limit ${limit} ${formatSpan(promisedMs)}: NOT KEPT`),
      )
      const of = promised.length > 0 ? ` (${promised.join(', ')})` : ''
      return `${paint('warn', 'not done')} after ${formatSpan(took)}${of}: ${shortened(waitsFor(journal, each))}`
    })
}

/** For whom each flag is on, and which were set by somebody. */
export function flagLines({ request, observation }: PartsInput, paint: Paint): string[] {
  const { plan } = request
  const { live } = observation
  if (Object.keys(plan.flags).length === 0 || isUnavailable(live)) return []
  const set = journalOf(observation)?.flags
  const shares = flagShares({ plan, weights: live, latch: latchOf(observation), set })
  return Object.entries(shares).map(([name, share]) => {
    const percent = percentOf(share)
    const tone = percent === 0 ? 'dim' : 'good'
    const by = set?.[name] === undefined ? '' : `, set ${set[name] ? 'on' : 'off'}`
    return `${name}: ${paint(tone, percent === 0 ? 'off' : percent === 100 ? 'on' : `on for ${percent} %`)}${by}`
  })
}

/** What was run in this attempt, and what is left of former ones. */
export function operationLines({ observation }: PartsInput, paint: Paint): string[] {
  const journal = journalOf(observation)
  return (journal?.operations ?? [])
    .filter(({ attempt, result }) => attempt === journal?.attempt || result !== 'done')
    .map(({ operation, position, result, reason }) => {
      const tone = result === 'done' ? 'good' : result === 'failed' ? 'bad' : 'warn'
      return `${operation} at ${position}: ${paint(tone, result)}: ${shortened(reason)}`
    })
}

/** What somebody is to look at. */
export function investigationLines({ observation }: PartsInput, paint: Paint): string[] {
  return (journalOf(observation)?.investigations ?? [])
    .filter(({ closedAt }) => closedAt === undefined)
    .map(
      ({ guardrail, service, value, threshold, openedAt, position }) =>
        `${paint('bad', guardrail)} of ${service} at ${position} since ${openedAt}: ${value} against ${threshold}; type: ${paint('bold', `sluice resolve ${guardrail}`)}`,
    )
}

/** Dependencies that come back to where they began, or go against the phases, which win. */
export function dependencyLines({ request }: PartsInput, paint: Paint): string[] {
  const cycles = cyclesOf(request.plan).map(
    (cycle) => `${paint('warn', 'cycle')}: ${cycle.join(' → ')}`,
  )
  const against = againstPhases(request.plan).map(
    ({ service, needs, later }) =>
      `${paint('warn', 'against the phases')}: ${service} needs ${needs}, which moves in ${later}`,
  )
  return [...cycles, ...against]
}

/** Which environment this is, and where the one before it stands. */
export function environmentLines({ request, observation }: PartsInput, paint: Paint): string[] {
  const { plan, environment } = request
  if (!plan.environments) return []
  const before = environmentBefore(plan, environment)
  if (before === undefined) return [`${environment ?? paint('bad', 'not given')}`]
  const { previous } = observation
  if (previous === undefined || previous === 'missing') {
    return [`${environment}; ${before}, before it, ${paint('warn', 'has no journal yet')}`]
  }
  if (isUnavailable(previous)) {
    return [`${environment}; ${before}, before it, ${paint('bad', previous.unavailable)}`]
  }
  const stayed = formatSpan(previous.guardedMs * (previous.clock ?? 1))
  return [
    `${environment}; ${before}, before it, stands at ${previous.verified.position} for ${stayed}`,
  ]
}

/** The targets as far as the journal alone can tell, and what follows for the next step. */
export function adviceLines(input: PartsInput, paint: Paint): string[] {
  const { request, observation } = input
  const journal = journalOf(observation)
  if (!journal) return []
  const { advice, reason } = recommend({
    plan: request.plan,
    clock: request.clock,
    journal,
    latch: latchOf(observation),
    alarms: observation.alarms,
    guard: observation.guard,
    kpis: journalKpis(request.plan, journal),
  })
  const tone = advice === 'proceed' ? 'good' : advice === 'hold' ? 'warn' : 'bad'
  return [`${paint(tone, advice)}: ${shortened(reason)}`]
}

/** The targets that need no query. */
function journalKpis(plan: Plan, { green, baselines }: Journal): Kpi[] {
  return kpiTable(plan, { green, baselines, queries: {} })
}

/** One line of a status: the report has all of it. */
function shortened(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length <= 200 ? line : `${line.slice(0, 199)}…`
}
