import type { Journal, OperationRecord } from './journal.ts'
import type { Latch } from './latch.ts'
import {
  operationsBefore,
  operationsOnRollback,
  type PlannedOperation,
  plannedOperations,
  recordOf,
} from './operations.ts'
import type { Plan } from './plan.ts'
import { findPosition, type Position, positionsOf } from './positions.ts'
import { verdictsOf } from './verdicts.ts'
import { greenOf } from './weights.ts'

/** One that has failed is tried again after this, ms of the real clock. */
export const AGAIN_AFTER_MS = 10_000

/** An operation that is to be run now. */
export interface DueOperation {
  planned: PlannedOperation
  /** The position that it is recorded for. */
  position: string
  attempt: number
  /** One after the other within a lane; lanes do not wait for each other. */
  lane: string
}

/** What the hook knows when it asks. */
export interface OperationState {
  plan: Plan
  planHash: string
  /** How many times faster than real the bake passes. */
  clock: number
  journal: Journal
  latch: Latch | undefined
}

/**
 * The operations that are to be run now: of each lane the first that is not done, unless it failed
 * a moment ago. One that is recorded as running is among them: whoever runs it knows, and one that
 * a crash has cut off is run again.
 *
 * @param now ISO 8601
 */
export function dueOperations(state: OperationState, now: string): DueOperation[] {
  const due = [...afterRollback(state), ...onTheWay(state)]
  const first = new Map<string, DueOperation>()
  for (const each of due) if (!first.has(each.lane)) first.set(each.lane, each)
  return [...first.values()].filter((each) => !failedJustNow(recordFor(each, state.journal), now))
}

/** Those of rollbacks that are not done: they hold the next attempt, whose state they bring back. */
export function rollbackOperationsLeft(plan: Plan, journal: Journal): OperationRecord[] {
  const names = plannedOperations(plan)
    .filter(({ moment }) => moment === 'on-rollback')
    .map(({ name }) => name)
  return (journal.operations ?? []).filter(
    ({ operation, result }) => names.includes(operation) && result !== 'done',
  )
}

/** What the plan runs at the position that stands: on arrival, and at the end of its bake. */
function onTheWay({ plan, planHash, clock, journal, latch }: OperationState): DueOperation[] {
  if (latch?.latched !== false || journal.planHash !== planHash || journal.intent) return []
  const positions = positionsOf(plan)
  const standing = findPosition(positions, journal.verified.position)
  if (!standing) return []
  const next = positions[standing.index + 1]
  const over = isOver(plan, planHash, clock, journal, standing)
  const planned = next
    ? operationsBefore(plan, standing, next)
    : plannedOperations(plan).filter(({ moment }) => moment === 'retired')
  return (
    planned
      // What prepares the first step is what the gates of the start look at; what a strategy does
      // there waits until they have passed, so that what it carries is fresh.
      .filter(
        ({ moment, service }) =>
          !moment.startsWith('before-') ||
          (moment === 'before-first-step' && service === undefined) ||
          over,
      )
      .map((each) => ({
        planned: each,
        position: standing.name,
        attempt: journal.attempt,
        lane: 'way',
      }))
      .filter((each) => recordFor(each, journal)?.result !== 'done')
      // What belongs to the step that stands comes before what belongs to the next one.
      .toSorted((a, b) => ahead(a) - ahead(b))
  )
}

const ahead = ({ planned }: DueOperation) => (planned.moment.startsWith('before-') ? 1 : 0)

/** The bake is over and every gate has passed that no person answers. */
function isOver(
  plan: Plan,
  planHash: string,
  clock: number,
  journal: Journal,
  standing: Position,
): boolean {
  if (journal.guardedMs * clock < standing.bakeMs + standing.settleMs) return false
  if ((journal.investigations ?? []).some(({ closedAt }) => closedAt === undefined)) return false
  return standing.gates.every((name) => {
    const gate = plan.gates[name]
    if (!gate || gate.confirm !== undefined) return true
    const occasion = { gate: name, position: standing.name, attempt: journal.attempt, planHash }
    return verdictsOf(journal, occasion).some(({ result }) => result === 'passed')
  })
}

/** What the services that went back run, once they have landed; and what was left of former ones. */
function afterRollback({ plan, journal, latch }: OperationState): DueOperation[] {
  const laneOf = ({ service }: PlannedOperation) => `back ${service ?? ''}`
  const all = plannedOperations(plan)
  const left = rollbackOperationsLeft(plan, journal).flatMap((record): DueOperation[] => {
    const planned = all.find(({ name }) => name === record.operation)
    if (!planned) return []
    const { position, attempt } = record
    return [{ planned, position, attempt, lane: laneOf(planned) }]
  })
  const { trip } = latch ?? {}
  // While it goes down, green still works: what it holds is carried back when it has landed.
  if (!latch?.latched || latch.descent || !trip) return left
  const of = operationsOnRollback(plan, servicesBack(plan, latch)).map((planned) => ({
    planned,
    position: trip.position,
    attempt: trip.attempt,
    lane: laneOf(planned),
  }))
  return [...left, ...of].filter((each) => recordFor(each, journal)?.result !== 'done')
}

/** The services that a rollback takes from green: what stood above the landing. */
export function servicesBack(plan: Plan, { trip }: Latch): string[] {
  return trip ? servicesBetween(plan, trip) : Object.keys(plan.services)
}

/** The services whose green falls from one position to another; all where one of them is unknown. */
export function servicesBetween(
  plan: Plan,
  { position, landing }: { position: string; landing: string },
): string[] {
  const all = Object.keys(plan.services)
  const positions = positionsOf(plan)
  const [from, to] = [findPosition(positions, position), findPosition(positions, landing)]
  if (!from || !to) return all
  return all.filter((service) => greenOf(from.weights, service) > greenOf(to.weights, service))
}

function recordFor(
  { planned, position, attempt }: DueOperation,
  { operations }: Pick<Journal, 'operations'>,
): OperationRecord | undefined {
  return recordOf(planned, { name: position }, { operations, attempt })
}

function failedJustNow(record: OperationRecord | undefined, now: string): boolean {
  if (record?.result !== 'failed') return false
  const since = Date.parse(now) - Date.parse(record.at)
  // A clock that was put back must not keep it waiting.
  return since >= 0 && since < AGAIN_AFTER_MS
}
