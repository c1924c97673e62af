import type { Judgement } from './judgement.ts'
import type { Latch, Trip } from './latch.ts'
import { greenOf, type ServiceWeights } from './weights.ts'

interface Told {
  at: string
  kind: string
  details?: Record<string, unknown>
}

/**
 * Judges whether an environment has seen a rollback that worked: a trip after which green of all
 * that it took back stood at 0 again.
 * @param events the environment's history, oldest first
 */
export function judgeRehearsal(
  environment: string,
  latch: Latch | undefined,
  events: readonly Told[],
): Judgement {
  const trips = new Map<unknown, Trip>()
  for (const { kind, details } of events) {
    if (kind === 'tripped') trips.set(details?.['trip'], details?.['record'] as Trip)
  }
  const seen = events.findLast(({ kind, details }) => {
    if (kind !== 'tripped' && kind !== 'descended') return false
    const trip = trips.get(details?.['trip'])
    const weights = details?.['weights'] as ServiceWeights | undefined
    return trip !== undefined && weights !== undefined && cameBack(trip, weights)
  })
  if (seen) return passed(environment, seen.at)
  const trip = latch?.trip
  if (latch?.latched && trip && !latch.descent && cameBack(trip, latch.ceiling)) {
    return passed(environment, trip.at)
  }
  const why = events.some(({ kind }) => kind === 'tripped')
    ? 'has tripped, but green did not come back to 0'
    : 'has never rolled back'
  return {
    result: 'inconclusive',
    reason: `${environment} ${why}; next: sluice rollback there, at any step`,
  }
}

function passed(environment: string, at: string): Judgement {
  return { result: 'passed', reason: `${environment} rolled back at ${at}, and green stood at 0` }
}

/** True where green had gone somewhere, and all that was taken back stands at 0. */
function cameBack(trip: Trip, weights: ServiceWeights): boolean {
  if (trip.position === trip.landing || trip.position === 'unknown') return false
  const services = trip.services ?? Object.keys(weights)
  return services.length > 0 && services.every((service) => greenOf(weights, service) === 0)
}
