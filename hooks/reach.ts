import type { ColourName, Plan } from '../rollout/plan.ts'
import { urlOf } from '../rollout/services.ts'

/** How a colour is asked past the weights: an address, and the headers that lead there. */
export interface Reached {
  url: string
  headers: Record<string, string>
}

/**
 * Where a path of a colour is asked past the weights, which each platform does in its way.
 * @returns undefined where the colour has no address
 */
export type Reach = (
  plan: Plan,
  service: string,
  colour: ColourName,
  path: string,
) => Reached | undefined

/** Each colour answers at an address of its own. */
export const reachDirectly: Reach = (plan, service, colour, path) => {
  const url = urlOf(plan, service, colour, path)
  return url === undefined ? undefined : { url, headers: {} }
}
