import type { TripCause } from '../platforms/operations.ts'
import { reachOf, rollsBack } from '../rollout/action.ts'
import type { Guardrail, Plan } from '../rollout/plan.ts'
import type { ServerChange } from './router-log.ts'

/**
 * The guardrail in whose name a dead green is rolled back at once: the one that asks what the router
 * asks, else another check, else one of its errors that has no `for`. A green without a server fails
 * all of them, whatever users still see.
 */
export function guardrailOfDeath(plan: Plan, service: string): string | undefined {
  const rolling = Object.entries(plan.guardrails).filter(
    ([, guardrail]) => rollsBack(guardrail) && (guardrail.services?.includes(service) ?? true),
  )
  const asked = plan.services[service]?.health
  const health =
    rolling.find(([, { check }]) => check !== undefined && check === asked) ??
    rolling.find(([, { check }]) => check !== undefined)
  const errors = rolling.find(
    ([, guardrail]) => guardrail.metric === 'error-rate' && guardrail.for === undefined,
  )
  return (health ?? errors)?.[0]
}

/** Why a change of green's server trips; undefined where it does not. */
export function causeOfDeath(plan: Plan, change: ServerChange, at: Date): TripCause | undefined {
  const guardrail = guardrailOfDeath(plan, change.service)
  if (change.up || change.colour !== 'green' || guardrail === undefined) return undefined
  const value = `green is down${change.reason ? ` (${change.reason})` : ''}`
  return {
    cause: guardrail,
    value,
    threshold: 'up',
    reason: `guardrail ${guardrail}: the router finds green of ${change.service} down${change.reason ? `, ${change.reason}` : ''}`,
    service: change.service,
    scope: reachOf(plan.guardrails[guardrail] as Guardrail).scope,
    // A green that is dead takes nobody down step by step.
    pace: 'immediately',
    firstBadAt: at.toISOString(),
  }
}
