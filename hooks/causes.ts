import type { TripCause } from '../platforms/operations.ts'
import { reachOf } from '../rollout/action.ts'
import type { Alarm } from '../rollout/journal.ts'
import type { Plan } from '../rollout/plan.ts'
import { guardrailNamed, SERVER_DOWN } from './alerts.ts'
import { guardrailOfDeath } from './server-events.ts'

/**
 * Why an alarm rolls back: one cause for each service that it takes back; a query's alarm stands for
 * all that it names. Pure.
 * @param judges true for a service whose green has traffic that may be judged
 */
export function causesOf(
  plan: Plan,
  { guardrail: name, service, value, threshold, since }: Alarm,
  judges: (service: string) => boolean,
): TripCause[] {
  const dead = name === SERVER_DOWN ? guardrailOfDeath(plan, service) : undefined
  const guardrail = guardrailNamed(plan, dead ?? name)
  const judged = (services: string[]) => services.filter(judges)
  const services =
    guardrail?.query === undefined
      ? judged([service])
      : guardrail.services
        ? judged(guardrail.services)
        : judged(Object.keys(plan.services)).slice(0, 1)
  const reach = guardrail ? reachOf(guardrail) : undefined
  return services.map((one) => ({
    cause: name,
    value,
    threshold,
    reason: `guardrail ${name} fires for ${one}: ${value} against ${threshold}`,
    service: one,
    scope: reach?.scope ?? 'service',
    // A green that is dead takes nobody down step by step.
    pace: dead === undefined ? (reach?.pace ?? 'immediately') : 'immediately',
    firstBadAt: since,
  }))
}
