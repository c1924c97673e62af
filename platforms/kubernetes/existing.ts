import type { Plan } from '../../rollout/plan.ts'
import { colourOf } from '../../rollout/services.ts'
import type { Weights } from '../../rollout/weights.ts'
import { backendName, type Place } from './names.ts'

/** The Service behind a colour: one that runs already by its own name, else the rollout's. */
export function existingBackend(
  plan: Plan | undefined,
  place: Place,
  service: string,
  colour: keyof Weights,
): string {
  const found = plan?.services[service]
  const own = found && colourOf(found, colour)
  return own?.existing ?? backendName(place, service, colour)
}
