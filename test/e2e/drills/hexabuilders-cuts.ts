import type { PlanInput } from '../../../rollout/plan.ts'
import { soonTooOld } from './backups.ts'
import { guarding, QUIET } from './cuts.ts'

/** Guardrails as they are, and one short step. */
const guarded = (plan: PlanInput, names: string[]): PlanInput => ({
  ...plan,
  ...guarding(plan, names),
  steps: [50, 100],
  bake: '1m',
  start: { bake: '1s' },
  retire: {},
})
const guardrails = (plan: PlanInput) => guarded(plan, Object.keys(plan.guardrails ?? {}))

/**
 * The gates of the start and of every step as they are, and those of a step where it is named: two
 * that the same fault fails would race. Nothing else judges.
 */
function gates(plan: PlanInput, ...ofStep: string[]): PlanInput {
  const steps = [{ weight: 50, bake: '1m', gates: ofStep }, 100]
  return { ...plan, steps, bake: '1m', guardrails: QUIET }
}

/** This is staging, where it is rehearsed: the gate asks another one, as production asks staging. */
function rehearsedElsewhere(plan: PlanInput): PlanInput {
  const gate = { ...plan.gates?.['rollback-rehearsed'], rehearsed: 'production' }
  return { ...gates(plan), gates: { ...plan.gates, 'rollback-rehearsed': gate } }
}

export const variants = {
  guardrails,
  'rehearsed elsewhere': rehearsedElsewhere,
  gates: (plan: PlanInput) => gates(plan),
  ...Object.fromEntries(
    ['sla', 'performance', 'e2e'].map((name) => [name, (plan: PlanInput) => gates(plan, name)]),
  ),
  backups: (plan: PlanInput): PlanInput => soonTooOld(guardrails(plan)),
  // data-inconsistency judges lost rows too, and either may be first.
  'data-loss': (plan: PlanInput) => guarded(plan, ['data-loss']),
}
