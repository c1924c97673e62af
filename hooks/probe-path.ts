import type { Plan } from '../rollout/plan.ts'
import { serviceOf } from './gates/ask.ts'

/**
 * A path that the gateway sends to this service and to no other: its health, where a route of it
 * leads there. Else the first of its routes, than which no other prefix of that path is longer. What
 * the service answers there does not matter: the gateway says in a header which colour it asked.
 */
export function probePath(plan: Plan, service: string): string {
  const { health = '/', routes: [first = '/'] = [] } = plan.services[service] ?? {}
  return serviceOf(plan, health) === service ? health : first
}
