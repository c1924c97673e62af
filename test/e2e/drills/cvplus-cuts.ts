import type { PlanInput } from '../../../rollout/plan.ts'
import { soonTooOld } from './backups.ts'
import { guarding, named, QUIET, short } from './cuts.ts'

const LOW = ['cv-analyzer', 'improvement-orchestrator']
const CRITICAL = ['circuit-breaker', 'recommendation-orchestrator', 'action-orchestrator']

/** The gates that strategies name, which a plan with these services must have. */
const STATE = ['interface', 'cache-entries']

/**
 * Guardrails and gates as they are, on one step a service.
 * @param first the services of the first phase; the others come after it
 */
function cut(
  plan: PlanInput,
  first: string[],
  guardrails: string[],
  gates: { begin?: string[]; end?: string[]; every?: string[] } = {},
): PlanInput {
  const rest = Object.keys(plan.services).filter((name) => !first.includes(name))
  const { begin = [], end = [], every = [] } = gates
  const guarded = guarding(plan, guardrails)
  const state = Object.entries(named(plan.gates, STATE)).map(([name, gate]) => [
    name,
    every.includes(name) ? gate : { ...gate, at: undefined },
  ])
  return {
    ...short(plan),
    guardrails: guarded.guardrails,
    gates: {
      ...guarded.gates,
      ...Object.fromEntries(state),
      ...named(plan.gates, [...begin, ...end, ...every]),
    },
    phases: [
      { name: 'first', services: first, end },
      { name: 'rest', services: rest, begin },
    ],
    steps: [100],
  }
}

const only = (...names: string[]) => [
  names.join(' '),
  (plan: PlanInput) => cut(plan, ['cv-analyzer'], names),
]

export const variants = {
  health: (plan: PlanInput) =>
    cut(
      plan,
      ['cv-analyzer'],
      Object.keys(plan.guardrails ?? {}).filter((name) => name.startsWith('health-')),
    ),
  ...Object.fromEntries(
    ['latency-graceful', 'latency', 'errors', 'availability'].map((name) => only(name)),
  ),
  // The shortest time for which the router takes a server out is more than 1 % of the ten seconds that
  // are looked at under this clock: between 99.9 and 99 % there is nothing to see.
  'availability-warn': (plan: PlanInput) => {
    const edited = structuredClone(cut(plan, ['cv-analyzer'], ['availability']))
    const availability = edited.guardrails?.['availability']
    if (!availability) throw new Error('the plan has no guardrail availability')
    availability.below = '1%'
    return edited
  },
  // Between the plan's 2 and 5 % a few hundred answers are on either side by chance.
  'errors-warn': (plan: PlanInput) => {
    const edited = structuredClone(cut(plan, ['cv-analyzer'], ['errors']))
    const errors = edited.guardrails?.['errors']
    if (!errors) throw new Error('the plan has no guardrail errors')
    errors.above = '50%'
    return edited
  },
  throughput: (plan: PlanInput) => cut(plan, LOW, ['throughput']),
  'integrity-failure': (plan: PlanInput) => cut(plan, LOW, ['integrity-failure']),
  start: (plan: PlanInput): PlanInput => ({
    ...cut(plan, ['cv-analyzer'], [], { every: [...(plan.start?.gates ?? []), 'go-low'] }),
    guardrails: QUIET,
    start: { bake: '1s', gates: [...(plan.start?.gates ?? []), 'go-low'] },
  }),
  go: (plan: PlanInput) => cut(plan, ['cv-analyzer'], [], { begin: ['go-medium', 'go-critical'] }),
  validation: (plan: PlanInput) => cut(plan, ['cv-analyzer'], [], { end: ['validation'] }),
  every: (plan: PlanInput) =>
    cut(plan, ['cv-analyzer'], [], { every: ['interface', 'integrity', 'performance'] }),
  backups: (plan: PlanInput) => soonTooOld(cut(plan, ['cv-analyzer'], [])),
  ...Object.fromEntries(
    [LOW[1] as string, 'cache-manager', 'recommendation-generator', ...CRITICAL].map((name) => [
      name,
      (plan: PlanInput) => cut(plan, [name], []),
    ]),
  ),
}
