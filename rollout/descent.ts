import type { Pace } from './action.ts'
import type { Descent, Latch } from './latch.ts'
import { greenOf, type ServiceWeights, split } from './weights.ts'

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
  const highest = Math.max(0, ...falling(from, landing).map((service) => greenOf(from, service)))
  const [first, ...left] = pace.through.filter((weight) => weight < highest)
  if (first === undefined || left.length === 0) return { ceiling: landing }
  return {
    ceiling: cut(from, landing, first),
    descent: { left, everyMs: pace.everyMs, since: at, landing },
  }
}

/**
 * The latch after the next step down.
 * @param unstable true where what is live now is still ill: then it goes on at once
 * @param clock how many times faster than real the time between two steps passes
 * @returns undefined where it is not time yet, or nothing is left
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
  if (next === undefined) return rest
  const ceiling = cut(latch.ceiling, descent.landing, next)
  if (left.length === 0) return { ...rest, ceiling: descent.landing }
  return { ...rest, ceiling, descent: { ...descent, left, since: now.toISOString() } }
}

/** The latch with its descent cut short: everything at the landing at once. */
export function endDescent(latch: Latch): Latch {
  const { descent, ...rest } = latch
  return descent ? { ...rest, ceiling: descent.landing } : latch
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
