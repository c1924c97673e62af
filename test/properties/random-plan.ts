import fc from 'fast-check'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { Plan, PlanInput } from '../../rollout/plan.ts'
import { fleetInput } from '../rollout/fleet.ts'

/** Plans of one to five services, in any order, groups, phases and dependencies that a plan may have. */

const NAMES = ['auth', 'api', 'web', 'jobs', 'mail']

/** Falls to 0, for a rollback that goes down step by step. */
const through = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 3 })
  .map((weights) => [...weights.sort((a, b) => b - a), 0])

const guardrails = fc.record({
  scope: fc.constantFrom('service' as const, 'phase' as const, 'plan' as const),
  through,
  relative: fc.boolean(),
})

/** Rising weights that end with 100. */
const steps = fc
  .uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 3 })
  .map((weights) => [...weights.sort((a, b) => a - b), 100])

const shapes = fc.record({
  count: fc.integer({ min: 1, max: NAMES.length }),
  steps,
  /** Of each service: what it depends on, as bits; cycles and all. */
  needs: fc.array(fc.nat(2 ** NAMES.length - 1), { minLength: 5, maxLength: 5 }),
  acyclic: fc.boolean(),
  /** Of each service: which group it moves with; 0 none. */
  groups: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 5, maxLength: 5 }),
  tiers: fc.array(fc.constantFrom('low', 'medium', 'critical'), { minLength: 5, maxLength: 5 }),
  order: fc.constantFrom('plan', 'tiers', 'phases', 'twice'),
  blues: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
  affinity: fc.constantFrom('crc32' as const, 'md5' as const),
  cut: fc.integer({ min: 1, max: 99 }),
  gated: fc.boolean(),
  guardrails,
})

export const randomPlans: fc.Arbitrary<{ plan: Plan; planHash: string }> = shapes.map((shape) =>
  parsePlan(inputOf(shape)),
)

type Shape = typeof shapes extends fc.Arbitrary<infer T> ? T : never

function inputOf(shape: Shape): PlanInput {
  const names = NAMES.slice(0, shape.count)
  const groupOf = (index: number) => shape.groups[index] ?? 0
  // A group has the tier of its first, as the plan's checks ask for.
  const leader = (index: number) =>
    groupOf(index) === 0 ? index : shape.groups.indexOf(groupOf(index))
  const services = names.map((name, index) => {
    const bits = shape.needs[index] ?? 0
    const dependsOn = names.filter(
      (_, other) => other !== index && bits & (1 << other) && (!shape.acyclic || other < index),
    )
    const together = names.filter(
      (_, other) => other !== index && groupOf(index) > 0 && groupOf(other) === groupOf(index),
    )
    return [
      name,
      {
        dependsOn,
        together,
        affinity: { header: 'x-user-id', bucket: shape.affinity },
        ...(shape.blues[index] && index > 0 && bits % 4 === 3 ? { blue: 'none' as const } : {}),
        ...(shape.order === 'tiers'
          ? { tier: shape.tiers[leader(index)] as 'low' | 'medium' | 'critical' }
          : {}),
      },
    ] as const
  })
  const { scope, relative } = shape.guardrails
  return fleetInput(Object.fromEntries(services), {
    steps: shape.order === 'twice' ? [100] : shape.steps,
    ...phasesOf(shape, names, leader),
    bake: '1h',
    minimumRequests: 10,
    guardrails: {
      errors: {
        metric: 'error-rate',
        above: relative ? '2x baseline' : '5%',
        then: { rollback: 'immediately', scope },
      },
      latency: {
        metric: 'p95',
        above: '300ms',
        then: { rollback: 'progressively', scope, through: shape.guardrails.through, every: '5m' },
      },
    },
    gates: shape.gated
      ? {
          parity: { at: 'every-step', replay: 'a.http', services: [names[0] ?? 'auth'] },
          ok: { at: 'start', confirm: 'Well?' },
        }
      : {},
  })
}

function phasesOf(
  { order, cut, tiers }: Shape,
  names: string[],
  leader: (index: number) => number,
): Partial<PlanInput> {
  if (order === 'twice') {
    return {
      phases: [
        { name: 'try', steps: [cut] },
        { name: 'scale', steps: [cut, 100] },
      ],
    }
  }
  if (order !== 'phases') return {}
  const isFirst = (_: string, index: number) => tiers[leader(index)] === 'low'
  const first = names.filter(isFirst)
  const then = names.filter((name, index) => !isFirst(name, index))
  return {
    phases: [
      ...(first.length > 0 ? [{ name: 'first', services: first }] : []),
      ...(then.length > 0 ? [{ name: 'then', services: then }] : []),
    ],
  }
}
