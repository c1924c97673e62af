import type { ServiceWeights, Weights } from '../rollout/weights.ts'

/** The live router of a platform. */
export interface Router {
  /** True where the engine writes the weights as a resource of its own, and these operations only roll back. */
  readonly native?: boolean
  /** What the router does now, asked from the router itself. */
  read(): Promise<ServiceWeights>
  /**
   * Sets the green of services, durably: a restart or a reload of the router keeps it.
   * Returns once the router itself says so.
   */
  write(weights: ServiceWeights): Promise<void>
  /**
   * Asked before green of a service rises where the weights are a native resource: whether what holds
   * them says something against it that the weights themselves do not show.
   * @throws Refused where another hand holds them
   */
  mayRise?(service: string, before: number, after: number): Promise<void>
  /**
   * Waits until users get what the router was told, where that takes a moment and can be seen.
   * @param before what they got until then: how hard a change is to see depends on it
   * @throws Unavailable where they do not in time
   */
  seen?(services: string[], before: ServiceWeights): Promise<void>
  /** True when the colour of a service has somewhere healthy to send a request. */
  healthy(service: string, colour: keyof Weights): Promise<boolean>
}
