import type { Plan } from '../rollout/plan.ts'
import { planOf } from '../rollout/plan-text.ts'
import type { ServiceWeights } from '../rollout/weights.ts'

/** The admission of a traffic step, of which policies read what an update would do. */
export const ADMISSION = 'sluice:index:Admission'

/** What a policy reads of an admission. */
export interface AdmissionProps {
  plan: Plan
  /** The weights that this update permits. */
  weights: ServiceWeights
  /** The weights before the step. */
  previous: ServiceWeights
}

/** One resource of a stack, as a policy sees it. */
export interface StackResource {
  type: string
  props: Record<string, unknown>
}

/**
 * The admission among the resources of a stack.
 * @returns undefined where the stack has none, or an update that did not come as far as its weights
 */
export function admissionOf(resources: readonly StackResource[]): AdmissionProps | undefined {
  const found = resources.find(({ type }) => type === ADMISSION)
  return found && readAdmission(found.props)
}

/** Reads the properties of an admission; undefined where they are not there. */
export function readAdmission(props: Record<string, unknown>): AdmissionProps | undefined {
  const { plan, weights, previous } = props
  if (!plan || !weights) return undefined
  return {
    plan: planOf(plan),
    weights: weights as ServiceWeights,
    previous: (previous ?? {}) as ServiceWeights,
  }
}
