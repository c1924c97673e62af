import { holdsRises, type Pace } from './action.ts'
import type { Alarm } from './journal.ts'
import type { Descent, Latch } from './latch.ts'
import { greenOf, lower, type ServiceWeights, sameWeights, split } from './weights.ts'

/** A progressive rollback: the latch holds a ceiling that only falls, from step to step, to the landing. */

/**
 * The ceiling that a rollback begins with, and what is still before it.
 *
 * @param from what is live when it trips
 * @param landing where it ends
 * @example a green at 100, through 75, 50, 25, 0, begins with 75 and has 50, 25, 0 before it
 */
export function beginDescent(
  from: ServiceWeights,
  landing: ServiceWeights,
  pace: Pace,
  at: string,
): { ceiling: ServiceWeights; descent?: Descent } {
  if (pace === 'immediately') return { ceiling: landing }
  const highest = highestOf(from, landing)
  const [first, ...left] = pace.through.filter((weight) => weight < highest)
  if (first === undefined) return { ceiling: landing }
  const ceiling = cut(from, landing, first)
  if (sameWeights(ceiling, landing)) return { ceiling: landing }
  return { ceiling, descent: { left, everyMs: pace.everyMs, since: at, landing } }
}

/**
 * The latch after the next step down.
 * @param unstable true where what is live now is still ill: then it goes on at once
 * @param clock how many times faster than real the time between two steps passes
 * @returns undefined where it is not time yet, or nothing goes down step by step
 */
export function nextDescent(
  latch: Latch,
  now: Date,
  clock: number,
  unstable: boolean,
): Latch | undefined {
  const { descent } = latch
  if (!latch.latched || !descent) return undefined
  const observed = now.getTime() - Date.parse(descent.since)
  // A clock that was put back must not keep green up.
  const due = observed < 0 || observed * clock >= descent.everyMs
  if (!due && !unstable) return undefined
  const [next, ...left] = descent.left
  const { descent: _done, ...rest } = latch
  if (next === undefined) return { ...rest, ceiling: descent.landing }
  const ceiling = cut(latch.ceiling, descent.landing, next)
  if (sameWeights(ceiling, descent.landing)) return { ...rest, ceiling: descent.landing }
  return { ...rest, ceiling, descent: { ...descent, left, since: now.toISOString() } }
}

/** So long an alarm may still be that of the weight before, ms of the real clock. */
export const SETTLED_AFTER_MS = 10_000

/**
 * True where a step of a progressive rollback is not stable: what rolls back or holds still fires for
 * what goes back, although the weight has been this one for long enough to show.
 */
export function isUnstable(latch: Latch, alarms: readonly Alarm[], now: Date): boolean {
  const { descent, trip } = latch
  if (!latch.latched || !descent) return false
  if (now.getTime() - Date.parse(descent.since) < SETTLED_AFTER_MS) return false
  return alarms.some(
    ({ then, service }) => holdsRises(then) && (trip?.services?.includes(service) ?? true),
  )
}

/** Where something that trips while it is latched already wants green to go. */
export interface Deeper {
  /** The name of the position it lands on. */
  landing: string
  weights: ServiceWeights
  services: readonly string[]
  pace: Pace
  /** ISO 8601, UTC. */
  at: string
}

/**
 * A latch whose rollback must go further down: something else has tripped below its ceiling, or one
 * that goes down step by step is no longer to wait. The number of the trip stays.
 * - immediately: everything is at its landing at once, and a descent ends
 * - step by step: what falls besides joins the descent at the step where that stands, or begins one
 * @returns the latch itself where nothing changes
 */
export function deepen(latch: Latch, { landing, weights, services, pace, at }: Deeper): Latch {
  if (!latch.latched) return latch
  const { descent, trip, ...rest } = latch
  const base = descent?.landing ?? latch.ceiling
  const target = lower(base, { ...base, ...weights })
  const falls = !sameWeights(target, base)
  if (!falls && (!descent || pace !== 'immediately')) return latch
  const further = trip && falls ? { ...trip, landing, ...joined(trip.services, services) } : trip
  const kept = { ...rest, ...(further ? { trip: further } : {}) }
  if (pace === 'immediately') return { ...kept, ceiling: target }
  if (!descent) return { ...kept, ...beginDescent(latch.ceiling, target, pace, at) }
  const standsAt = highestOf(latch.ceiling, descent.landing)
  return {
    ...kept,
    ceiling: cut(latch.ceiling, target, standsAt),
    descent: { ...descent, landing: target },
  }
}

/** Services that go back are named, unless all of them do. */
function joined(
  before: readonly string[] | undefined,
  services: readonly string[],
): { services?: string[] } {
  return before ? { services: [...new Set([...before, ...services])] } : {}
}

function highestOf(from: ServiceWeights, landing: ServiceWeights): number {
  return Math.max(0, ...falling(from, landing).map((service) => greenOf(from, service)))
}

function falling(from: ServiceWeights, landing: ServiceWeights): string[] {
  return Object.keys(from).filter((service) => greenOf(from, service) > greenOf(landing, service))
}

/** Nothing above `most`, nothing below the landing, and nothing that rises. */
function cut(from: ServiceWeights, landing: ServiceWeights, most: number): ServiceWeights {
  return Object.fromEntries(
    Object.keys({ ...landing, ...from }).map((service) => {
      const [now, end] = [greenOf(from, service), greenOf(landing, service)]
      return [service, split(now <= end ? now : Math.max(Math.min(now, most), end))]
    }),
  )
}
