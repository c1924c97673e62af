import type { StackValidationPolicy } from '@pulumi/policy'
import { rollsBack } from '../rollout/action.ts'
import { greenOf } from '../rollout/weights.ts'
import { admissionOf, type StackResource } from './resources.ts'

/** What takes green back without an engine, by kind of platform. */
const NEEDED = { 'sluice:local:Hook': 'the rollback hook', 'sluice:local:Alarms': 'the alarms' }

/**
 * What is missing where green has traffic: a guardrail that rolls back, the hook, and the alarms.
 * @returns one sentence for each; none where green has no traffic
 */
export function missingAlarms(resources: readonly StackResource[]): string[] {
  const admission = admissionOf(resources)
  if (!admission) return []
  const { plan, weights } = admission
  const exposed = Object.keys(weights).filter((service) => greenOf(weights, service) > 0)
  if (exposed.length === 0) return []
  const covers = Object.values(plan.guardrails ?? {}).some(rollsBack)
  return [
    ...(covers
      ? []
      : exposed.map(
          (service) =>
            `green of ${service} gets ${greenOf(weights, service)} % of the traffic, but no guardrail rolls back; add one with then: rollback under guardrails: of the plan`,
        )),
    ...Object.entries(NEEDED)
      .filter(([type]) => !resources.some((resource) => resource.type === type))
      .map(
        ([type, what]) =>
          `green gets traffic (${exposed.join(', ')}), but the stack does not declare ${what} (${type})`,
      ),
  ]
}

export const requireAlarm: StackValidationPolicy = {
  name: 'require-alarm',
  description: 'Where green has traffic, a guardrail rolls it back, and hook and alarms stand.',
  validateStack({ resources }, report) {
    for (const problem of missingAlarms(resources)) report(problem)
  },
}
