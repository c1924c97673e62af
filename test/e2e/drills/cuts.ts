import type { PlanInput } from '../../../rollout/plan.ts'

/** A plan needs a guardrail that rolls back; this one has nothing to say while another is looked at. */
export const QUIET = {
  quiet: { metric: 'p99', above: '60s', for: '1h', then: 'rollback' },
} satisfies PlanInput['guardrails']

/** Some of the plan's guardrails as they are, with the gates that they are about. */
export function guarding(
  plan: PlanInput,
  names: string[],
): Pick<PlanInput, 'guardrails' | 'gates'> {
  const guardrails = named(plan.guardrails, names)
  const about = Object.values(guardrails).flatMap(({ gate }) => gate ?? [])
  const gates = Object.entries(named(plan.gates, about)).map(([name, gate]) => [
    name,
    { ...gate, at: undefined },
  ])
  return { guardrails: { ...QUIET, ...guardrails }, gates: Object.fromEntries(gates) }
}

/** Some members of a part of the plan. */
export function named<T>(part: Record<string, T> | undefined, names: readonly string[]) {
  const found = Object.entries(part ?? {}).filter(([name]) => names.includes(name))
  return Object.fromEntries(found) as Record<string, T>
}

/** Without what is about the way and not about what is drilled. */
export function short(plan: PlanInput): PlanInput {
  const { phases: _phases, environments: _environments, ...rest } = plan
  return { ...rest, bake: '1m', settle: '0s', start: { bake: '1s' }, retire: {} }
}
