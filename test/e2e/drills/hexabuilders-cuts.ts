import type { PlanInput } from '../../../rollout/plan.ts'
import { soonTooOld } from './backups.ts'
import { guarding, named, QUIET } from './cuts.ts'

/** Guardrails as they are, and one short step. */
const guarded = (plan: PlanInput, names: string[]): PlanInput => ({
  ...plan,
  ...guarding(plan, names),
  steps: [50, 100],
  bake: '1m',
  start: { bake: '1s' },
  retire: {},
})

const OF_A_STEP = ['sla', 'performance', 'e2e']

/**
 * The gates of the start and of every step as they are, and those of a step where it is named: two
 * that the same fault fails would race. Nothing else judges.
 */
function gates(plan: PlanInput, ...ofStep: string[]): PlanInput {
  const steps = [{ weight: 50, bake: '1m', gates: ofStep }, 100]
  const elsewhere = Object.keys(plan.gates ?? {}).filter((name) => !OF_A_STEP.includes(name))
  // Of so few answers that a third of them fail is never the chance of none.
  return {
    ...plan,
    gates: named(plan.gates, [...elsewhere, ...ofStep]),
    steps,
    bake: '1m',
    retire: {},
    guardrails: QUIET,
    minimumRequests: 50,
  }
}

/** This is staging, where it is rehearsed: the gate asks another one, as production asks staging. */
function rehearsedElsewhere(plan: PlanInput): PlanInput {
  const gate = { ...plan.gates?.['rollback-rehearsed'], rehearsed: 'production' }
  const cut = gates(plan)
  return { ...cut, gates: { ...cut.gates, 'rollback-rehearsed': gate } }
}

/** Each by itself: a check of what the services are to each other fails with any of them. */
const GUARDRAILS = [
  'migration-error-rate',
  'cross-service-latency',
  'event-processing-lag',
  'data-inconsistency',
  'data-loss',
  'integrations',
  'health',
]

export const variants = {
  ...Object.fromEntries(
    GUARDRAILS.map((name) => [name, (plan: PlanInput) => guarded(plan, [name])]),
  ),
  'rehearsed elsewhere': rehearsedElsewhere,
  gates: (plan: PlanInput) => gates(plan),
  ...Object.fromEntries(OF_A_STEP.map((name) => [name, (plan: PlanInput) => gates(plan, name)])),
  backups: (plan: PlanInput): PlanInput => soonTooOld(guarded(plan, [])),
}
