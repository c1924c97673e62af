import { beginDescent } from '../../rollout/descent.ts'
import type { Journal } from '../../rollout/journal.ts'
import { clearLatch, type Latch, latchAt, type Promised } from '../../rollout/latch.ts'
import { scopesOf } from '../../rollout/limits.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, landingOf, positionsOf, servicesInScope } from '../../rollout/positions.ts'
import { promising, triggerOf } from '../../rollout/rollback-limits.ts'
import { fallingOrder } from '../../rollout/services.ts'
import type { ServiceWeights } from '../../rollout/weights.ts'
import type { TripCause } from './ground.ts'

/** Where a rollback goes. Pure. */

/** The latch that a trip writes, from whatever is known. */
export function tripped(
  held: Latch | undefined,
  journal: Journal | undefined,
  live: ServiceWeights | undefined,
  tripCause: TripCause,
  at: string,
): Latch {
  const { cause, value, threshold, reason } = tripCause
  const why = { cause, value, threshold, reason, at }
  const attempt = journal?.attempt ?? 1
  const base = held ?? { ...clearLatch(), trips: attempt - 1, attempt }
  if (!journal) return latchAt(base, { ...why, position: 'unknown', landing: 'start' }, {})
  const { from, landing, services } = aimOf(journal, tripCause)
  const { ceiling, descent } = beginDescent(
    // What cannot be read may be as high as the journal says.
    live ?? { ...journal.weights, ...journal.intent?.to },
    landing.weights,
    tripCause.pace ?? 'immediately',
    at,
  )
  const trip = { ...why, position: from.name, landing: landing.name, services }
  const latch = latchAt(base, trip, ceiling, descent)
  return descent ? latch : promising(latch, promiseOf(journal, tripCause, landing.name, at))
}

/** What a rollback that goes down at once is held against, from its trigger on. */
export function promiseOf(
  journal: Journal,
  cause: TripCause,
  landing: string,
  at: string,
): Promised {
  const since = triggerOf(cause.triggeredAt ?? cause.firstBadAt, journal, at)
  return { since, scopes: scopesOf(cause, journal.plan), landing }
}

/** Where a rollback begins and where it lands, by what it takes back. */
export function aimOf(journal: Journal, { service, scope }: TripCause) {
  const positions = positionsOf(journal.plan)
  const reached = journal.intent?.position ?? journal.verified.position
  const from = findPosition(positions, reached) ?? positions[0]!
  const services = servicesInScope(
    journal.plan,
    scope ?? (service === undefined ? 'plan' : 'service'),
    service,
  )
  return { from, landing: landingOf(positions, from, services), services }
}

/** The given services, dependents before what they depend on; any order where no plan is known. */
export function inFallingOrder(plan: Plan | undefined, services: string[]): string[] {
  if (!plan) return services
  const order = fallingOrder(plan)
  return services.toSorted((a, b) => order.indexOf(a) - order.indexOf(b))
}
