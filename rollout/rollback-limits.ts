import { servicesBetween } from './due-operations.ts'
import type { Journal, MeasuredRollback, OperationRecord } from './journal.ts'
import type { Latch, Promised } from './latch.ts'
import { type Held, heldAgainst } from './limits.ts'
import { operationsOnRollback } from './operations.ts'
import type { Plan } from './plan.ts'
import { findPosition, positionsOf, type Scope } from './positions.ts'
import { allBlue, rising, type ServiceWeights } from './weights.ts'

/**
 * Each rollback that goes down at once, followed from its trigger until it is done: green is read
 * back at its landing, and the last of its operations has run. One that does not come to its end in
 * the promised time is told as not kept while it is still under way. Pure.
 */

/** What a look at a rollback came to. */
export interface Told {
  /** down: the traffic is back; done: the state too; overdue: a promised time is over before that. */
  what: 'down' | 'done' | 'overdue'
  /** From the trigger, ms of the real clock. */
  tookMs: number
  held: Held[]
}

/** So many rollbacks that are done stay in the journal. */
const KEPT = 3

/**
 * When the clock of a promise began: at the first bad answer where one was counted, else at the trip;
 * never before the weights were set that went back, and never after the trip.
 */
export function triggerOf(
  firstBadAt: string | undefined,
  journal: Pick<Journal, 'intent' | 'verified'>,
  trippedAt: string,
): string {
  const tripped = Date.parse(trippedAt)
  const known = (text: string | undefined) => {
    const time = Date.parse(text ?? '')
    return Number.isNaN(time) ? tripped : time
  }
  const moved = known(journal.intent?.at ?? journal.verified.at)
  const first = firstBadAt === undefined ? tripped : Math.max(known(firstBadAt), moved)
  return new Date(Math.min(first, tripped)).toISOString()
}

/** A latch whose rollback is held against one more promise. */
export function promising(latch: Latch, promised: Promised): Latch {
  const { trip } = latch
  if (!trip) return latch
  return { ...latch, trip: { ...trip, promised: [...(trip.promised ?? []), promised] } }
}

/** The journal with every promise of the latch that it does not have yet. */
export function withPromises(journal: Journal, latch: Latch | undefined): Journal {
  const { trip } = latch ?? {}
  const { rollbacks = [] } = journal
  const added = (trip?.promised ?? []).flatMap((promised, part): MeasuredRollback[] => {
    if (!trip || rollbacks.some((each) => each.trip === trip.number && each.part === part))
      return []
    const { number, attempt, position } = trip
    return [{ ...promised, trip: number, part, attempt, position }]
  })
  if (added.length === 0) return journal
  const all = [...rollbacks, ...added]
  const done = all.filter(({ doneAt }) => doneAt !== undefined)
  const old = done.slice(0, Math.max(0, done.length - KEPT))
  return { ...journal, rollbacks: all.filter((each) => !old.includes(each)) }
}

/** True while something is to be measured still. */
export function isMeasuring(journal: Journal | undefined, latch: Latch | undefined): boolean {
  if (!journal) return false
  return (withPromises(journal, latch).rollbacks ?? []).some(({ doneAt }) => doneAt === undefined)
}

/** The operations that a rollback waits for, with what is recorded of each; none when they are done. */
export function operationsLeft(
  plan: Plan,
  journal: Pick<Journal, 'operations'>,
  rollback: Pick<MeasuredRollback, 'position' | 'landing' | 'attempt'>,
): { name: string; record?: OperationRecord }[] {
  return recorded(plan, journal, rollback).filter(({ record }) => record?.result !== 'done')
}

function recorded(
  plan: Plan,
  { operations = [] }: Pick<Journal, 'operations'>,
  rollback: Pick<MeasuredRollback, 'position' | 'landing' | 'attempt'>,
): { name: string; record?: OperationRecord }[] {
  return operationsOnRollback(plan, servicesBetween(plan, rollback)).map(({ name }) => {
    const record = operations.findLast(
      (each) =>
        each.operation === name &&
        each.position === rollback.position &&
        each.attempt === rollback.attempt,
    )
    return record ? { name, record } : { name }
  })
}

/** True where no green stands above the landing. */
export function isDown(plan: Plan, landing: string, live: ServiceWeights): boolean {
  const weights = findPosition(positionsOf(plan), landing)?.weights
  return rising(weights ?? allBlue(Object.keys(plan.services)), live).length === 0
}

/**
 * Looks at a rollback once.
 * @param down true where green was just read back at its landing
 * @param now ISO 8601
 * @returns what it is after it, and what is new; the very same where nothing is
 */
export function lookAt(
  plan: Plan,
  journal: Pick<Journal, 'operations'>,
  rollback: MeasuredRollback,
  down: boolean,
  now: string,
): { rollback: MeasuredRollback; told: Told[] } {
  if (rollback.doneAt !== undefined) return { rollback, told: [] }
  const { scopes } = rollback
  const took = (at: string) => Math.max(0, Date.parse(at) - Date.parse(rollback.since))
  const told: Told[] = []
  const downAt = rollback.downAt ?? (down ? now : undefined)
  if (downAt !== undefined && rollback.downAt === undefined) {
    const held = heldAgainst(plan, scopes, took(downAt), 'read back')
    told.push({ what: 'down', tookMs: took(downAt), held })
  }
  const doneAt = downAt && doneSince(plan, journal, rollback, downAt)
  if (doneAt !== undefined) {
    const held = heldAgainst(plan, scopes, took(doneAt))
    told.push({ what: 'done', tookMs: took(doneAt), held })
    return { rollback: { ...rollback, downAt, doneAt }, told }
  }
  const waiting = [
    ...(downAt === undefined ? heldAgainst(plan, scopes, took(now), 'read back') : []),
    ...heldAgainst(plan, scopes, took(now)),
  ]
  const known = rollback.overdue ?? []
  const late = waiting.filter(({ kept, limit }) => !kept && !known.includes(limit))
  if (late.length > 0) told.push({ what: 'overdue', tookMs: took(now), held: late })
  if (told.length === 0) return { rollback, told }
  const overdue = [...known, ...late.map(({ limit }) => limit)]
  return {
    rollback: {
      ...rollback,
      ...(downAt === undefined ? {} : { downAt }),
      ...(overdue.length > 0 ? { overdue } : {}),
    },
    told,
  }
}

/** Something new of one of the rollbacks that are followed. */
export interface News extends Told {
  rollback: MeasuredRollback
}

/**
 * Looks at every rollback that is not done.
 * @param isDownAt true where green was just read back at or below this landing
 * @param now ISO 8601
 * @param only the number of the one trip that is looked at; default all
 * @returns the very journal where nothing is new
 */
export function followRollbacks(
  journal: Journal,
  latch: Latch | undefined,
  isDownAt: (landing: string) => boolean,
  now: string,
  only?: number,
): { journal: Journal; news: News[] } {
  const promised = withPromises(journal, latch)
  const news: News[] = []
  const rollbacks = (promised.rollbacks ?? []).map((before) => {
    if (only !== undefined && before.trip !== only) return before
    // One that is acknowledged stood at its landing then: what green has now came after it.
    const over = latch !== undefined && (latch.trip?.number !== before.trip || !latch.latched)
    const down = over || isDownAt(before.landing)
    const { rollback, told } = lookAt(journal.plan, promised, before, down, now)
    news.push(...told.map((each) => ({ ...each, rollback })))
    return rollback
  })
  return { journal: news.length > 0 ? { ...promised, rollbacks } : promised, news }
}

/** A rollback that a person waits for, as far as it is done. */
export interface SoFar {
  limits: Held[]
  /** The operations that are not done yet. */
  waitsFor: string[]
}

/**
 * Holds a rollback that lands at once against the plan: the traffic when it is read back, the rest
 * where nothing is left to run; and everything whose time is over although it is not done.
 * @param tookMs from the command to the weights read back, of the real clock
 */
export function heldSoFar(
  journal: Journal,
  { trip }: Latch,
  scopes: readonly Scope[],
  weights: ServiceWeights,
  tookMs: number,
): SoFar {
  const { plan } = journal
  const down = isDown(plan, trip?.landing ?? 'start', weights)
  const left = trip ? operationsLeft(plan, journal, trip) : []
  const done = down && left.length === 0
  const limits = [
    ...heldAgainst(plan, scopes, tookMs, 'read back').filter(({ kept }) => down || !kept),
    ...heldAgainst(plan, scopes, tookMs).filter(({ kept }) => done || !kept),
  ]
  return { limits, waitsFor: left.map(({ name }) => name) }
}

/** When the last of its operations was done, not before green was down; undefined while one is not. */
function doneSince(
  plan: Plan,
  journal: Pick<Journal, 'operations'>,
  rollback: MeasuredRollback,
  downAt: string,
): string | undefined {
  const all = recorded(plan, journal, rollback)
  if (all.some(({ record }) => record?.result !== 'done')) return undefined
  const times = all.flatMap(({ record }) => (record ? [Date.parse(record.at)] : []))
  return new Date(Math.max(Date.parse(downAt), ...times)).toISOString()
}

/** Work in flight is drained for so long at most, ms of the real clock. */
export const DRAIN_MS = 30_000

/**
 * How long work in flight is drained: half of the shortest time that is promised for a rollback, so
 * that the compensation and the rest have the other half.
 * @returns ms of the real clock, at most {@link DRAIN_MS}
 */
export function drainMs({ limits }: Pick<Plan, 'limits'>): number {
  const promised = [limits.service, limits.phase, limits.plan].filter(
    (limit) => limit !== undefined,
  )
  return Math.min(DRAIN_MS, ...promised.map((limit) => limit / 2))
}
