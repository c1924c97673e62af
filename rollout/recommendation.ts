import { holdsRises } from './action.ts'
import { describeTrip } from './admission.ts'
import { rollbackOperationsLeft } from './due-operations.ts'
import { formatSpan } from './duration.ts'
import { ownAnswers } from './guardrail.ts'
import type { Alarm, Journal } from './journal.ts'
import type { Latch } from './latch.ts'
import { type Guard, isUnavailable, type Unavailable } from './observation.ts'
import { operationsBefore, recordOf } from './operations.ts'
import type { Plan } from './plan.ts'
import { findPosition, type Position, positionsOf } from './positions.ts'
import type { Kpi } from './targets.ts'
import { verdictsOf } from './verdicts.ts'
import { greenOf } from './weights.ts'

/** What is recommended, and why, with its numbers. */
export interface Recommendation {
  advice: 'proceed' | 'hold' | 'roll back'
  reason: string
}

/** What a recommendation follows from. */
export interface Standing {
  plan: Plan
  clock: number
  journal: Journal
  latch: Latch | undefined
  alarms: Alarm[] | Unavailable
  guard: Pick<Guard, 'alive' | 'reason'>
  kpis: readonly Kpi[]
}

type Rule = (standing: Standing, at: Position) => Recommendation | undefined

/** The first that speaks decides: what takes green back before what holds it, then what is missing. */
const RULES: Rule[] = [
  latched,
  firing,
  unguarded,
  failedGates,
  investigated,
  unfinished,
  missedTargets,
  baking,
]

/**
 * What to do next: the same inputs give the same recommendation. It decides nothing: the admission
 * and the guardrails do.
 */
export function recommend(standing: Standing): Recommendation {
  const { plan, journal, kpis } = standing
  const at = findPosition(positionsOf(plan), journal.verified.position)
  if (!at) {
    return hold(`nobody knows where the rollout stands: ${journal.verified.position}`)
  }
  for (const rule of RULES) {
    const found = rule(standing, at)
    if (found) return found
  }
  const met = kpis.filter(({ result }) => result === 'met').length
  const targets = kpis.length > 0 ? `, ${met} of ${kpis.length} targets met` : ''
  const answers = Object.values(journal.green).reduce((sum, green) => sum + ownAnswers(green), 0)
  return {
    advice: 'proceed',
    reason: `${at.name} has stood ${formatSpan(journal.guardedMs * standing.clock)} under guard with ${answers} answers of green, its gates passed, nothing fires${targets}`,
  }
}

const hold = (reason: string): Recommendation => ({ advice: 'hold', reason })

function latched({ latch }: Standing) {
  if (!latch) return hold('there is no latch that can be read, which counts as latched')
  if (!latch.latched) return undefined
  return hold(
    latch.descent
      ? `a rollback is on its way down: ${describeTrip(latch)}`
      : `rolled back, and not acknowledged: ${describeTrip(latch)}`,
  )
}

function firing({ alarms }: Standing): Recommendation | undefined {
  if (isUnavailable(alarms)) return hold(`the alarms are not known: ${alarms.unavailable}`)
  const told = ({ guardrail, service, value, threshold }: Alarm) =>
    `${guardrail} fires for ${service}: ${value} against ${threshold}`
  const back = alarms.filter(({ then }) => then === 'rollback')
  if (back.length > 0) return { advice: 'roll back', reason: back.map(told).join('; ') }
  const holding = alarms.filter(({ then }) => holdsRises(then))
  return holding.length > 0 ? hold(holding.map(told).join('; ')) : undefined
}

function unguarded({ guard }: Standing) {
  return guard.alive ? undefined : hold(`nobody guards: ${guard.reason ?? 'no answer'}`)
}

function failedGates({ plan, journal }: Standing, at: Position): Recommendation | undefined {
  const failed = judgedAt(journal, at).filter(({ result }) => result === 'failed')
  if (failed.length === 0) return undefined
  const reason = failed.map(({ gate, reason }) => `gate ${gate} failed: ${reason}`).join('; ')
  const back = failed.some(({ gate }) => plan.gates[gate]?.otherwise === 'rollback')
  return { advice: back ? 'roll back' : 'hold', reason }
}

function investigated({ journal }: Standing) {
  const open = (journal.investigations ?? []).filter(({ closedAt }) => closedAt === undefined)
  if (open.length === 0) return undefined
  return hold(
    open
      .map(
        ({ guardrail, service, value, threshold }) =>
          `${guardrail} of ${service} is to be looked at: ${value} against ${threshold}`,
      )
      .join('; '),
  )
}

function unfinished({ plan, journal }: Standing, at: Position) {
  const next = positionsOf(plan)[at.index + 1]
  const failed = next
    ? operationsBefore(plan, at, next)
        .map((planned) => recordOf(planned, at, journal))
        .filter((record) => record?.result === 'failed')
    : []
  const all = [...rollbackOperationsLeft(plan, journal), ...failed]
  if (all.length === 0) return undefined
  return hold(
    all
      .map((record) => `operation ${record?.operation} ${record?.result}: ${record?.reason}`)
      .join('; '),
  )
}

function missedTargets({ kpis }: Standing) {
  const missed = kpis.filter(({ result }) => result === 'missed')
  if (missed.length === 0) return undefined
  return hold(
    missed.map(({ title, actual, target }) => `${title} is ${actual}, target ${target}`).join('; '),
  )
}

function baking({ plan, clock, journal }: Standing, at: Position) {
  const waits: string[] = []
  const done = journal.guardedMs * clock - at.settleMs
  if (done < at.bakeMs) {
    waits.push(`${at.name} has baked ${formatSpan(done)} of ${formatSpan(at.bakeMs)}`)
  }
  if (at.kind === 'step') {
    for (const service of Object.keys(plan.services)) {
      const green = journal.green[service]
      const own = green ? ownAnswers(green) : 0
      if (greenOf(at.weights, service) > 0 && own < plan.minimumRequests) {
        waits.push(`green of ${service} gave ${own} of ${plan.minimumRequests} answers`)
      }
    }
  }
  const passed = new Set(
    judgedAt(journal, at)
      .filter(({ result }) => result === 'passed')
      .map(({ gate }) => gate),
  )
  const open = at.gates.filter(
    (gate) => plan.gates[gate]?.confirm === undefined && !passed.has(gate),
  )
  if (open.length > 0) waits.push(`gates not passed yet: ${open.join(', ')}`)
  return waits.length > 0 ? hold(waits.join('; ')) : undefined
}

/** The verdicts of every gate at a position, in this attempt and by this plan. */
const judgedAt = (journal: Journal, { name: position }: Position) =>
  verdictsOf(journal, { position, attempt: journal.attempt, planHash: journal.planHash })
