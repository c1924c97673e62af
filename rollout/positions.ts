import type { Plan } from './plan.ts'
import { groupName, groupsOf, phasesOf } from './services.ts'
import { allBlue, type ServiceWeights, split } from './weights.ts'

/** A named place on the way from blue to green. The plan compiles to a linear list of them. */
export interface Position {
  index: number
  name: string
  kind: 'start' | 'step' | 'promoted' | 'released' | 'retired'
  /** The phase that the step belongs to; undefined outside of the phases. */
  phase?: string
  /** The services whose weight the step changes; all of them outside of the phases. */
  services: string[]
  weights: ServiceWeights
  /** How long it is watched, in ms of the plan's own clock, before it may be left. */
  bakeMs: number
  /** After the move: what is not yet part of the bake, in ms of the plan's own clock. */
  settleMs: number
  /** The gates judged at the end of the bake, before it is left. */
  gates: string[]
  /** True for the last step of a phase: leaving it records a checkpoint. */
  endsPhase: boolean
}

/**
 * Compiles a plan into its positions: `start`, each step of each group of services in phase and
 * dependency order, `promoted` (all green, blue protected), `released` (guard disarmed), `retired`
 * (blue deleted). Services that move together have one name; where a weight comes twice, the phase
 * stands before it: `scale/match@25`.
 */
export function positionsOf(plan: Plan): Position[] {
  const services = Object.keys(plan.services)
  const steps = stepsOf(plan)
  const names = steps.map(({ name }) => name)
  const twice = new Set(names.filter((name, index) => names.indexOf(name) !== index))
  const none = allBlue(services)
  const weights = steps.at(-1)?.weights ?? none
  const outside = { services, settleMs: 0, endsPhase: false }
  const positions: Omit<Position, 'index'>[] = [
    {
      ...outside,
      name: 'start',
      kind: 'start',
      weights: none,
      bakeMs: plan.start.bake,
      gates: unique([
        ...plan.start.gates,
        ...gatesAt(plan, 'start'),
        ...(phasesOf(plan)[0]?.begin ?? []),
      ]),
    },
    ...steps.map((step) => ({
      ...step,
      name: twice.has(step.name) ? `${step.phase}/${step.name}` : step.name,
    })),
    {
      ...outside,
      name: 'promoted',
      kind: 'promoted',
      weights,
      bakeMs: plan.retire.after,
      gates: unique(plan.retire.gates),
    },
    { ...outside, name: 'released', kind: 'released', weights, bakeMs: 0, gates: [] },
    { ...outside, name: 'retired', kind: 'retired', weights, bakeMs: 0, gates: [] },
  ]
  return positions.map((position, index) => ({ index, ...position }))
}

function stepsOf(plan: Plan): (Omit<Position, 'index'> & { phase: string })[] {
  let weights = allBlue(Object.keys(plan.services))
  const phases = phasesOf(plan)
  return phases.flatMap((phase, index) => {
    const following = phases[index + 1]?.begin ?? []
    const steps = groupsOf(plan, phase.services).flatMap((group) =>
      (phase.steps ?? plan.steps).map((step) => {
        const { weight, bake, gates } =
          typeof step === 'number' ? { weight: step, bake: undefined, gates: [] } : step
        weights = { ...weights, ...Object.fromEntries(group.map((name) => [name, split(weight)])) }
        return {
          name: `${groupName(plan, group)}@${weight}`,
          kind: 'step' as const,
          phase: phase.name,
          services: group,
          weights,
          bakeMs: bake ?? phase.bake ?? plan.bake,
          settleMs: plan.settle,
          gates: unique([...gates, ...gatesAt(plan, 'every-step'), ...strategyGates(plan, group)]),
          endsPhase: false,
        }
      }),
    )
    const last = steps.at(-1)
    if (last) {
      last.endsPhase = true
      last.gates = unique([...last.gates, ...phase.end, ...following])
    }
    return steps
  })
}

/**
 * Finds a position by its name or its number.
 * @returns undefined when the plan has no such position
 */
export function findPosition(
  positions: readonly Position[],
  cursor: string | number,
): Position | undefined {
  const text = String(cursor).trim()
  return /^\d+$/.test(text)
    ? positions[Number(text)]
    : positions.find((position) => position.name === text)
}

/**
 * Where a rollback lands: the last position at which every service of its scope stood at 0. What
 * came later in the plan comes back with it.
 * @param scope default every service, the whole plan
 */
export function landingOf(
  positions: readonly Position[],
  from: Position,
  scope: readonly string[] = Object.keys(from.weights),
): Position {
  const candidates = positions.filter(
    (position) =>
      position.index <= from.index &&
      scope.every((service) => (position.weights[service]?.green ?? 0) === 0),
  )
  return candidates.at(-1) ?? (positions[0] as Position)
}

/** How much of a plan a rollback takes back. */
export type Scope = 'service' | 'phase' | 'plan'

/**
 * The services that go back when something trips for one of them.
 * - service: it, and what moves together with it
 * - phase: every service of the phases up to `from` that it moves in
 * - plan: all
 */
export function servicesInScope(plan: Plan, scope: Scope, service: string | undefined): string[] {
  const all = Object.keys(plan.services)
  if (scope === 'plan' || service === undefined || !all.includes(service)) return all
  if (scope === 'phase') {
    const within = phasesOf(plan).filter(({ services }) => services.includes(service))
    return unique(within.flatMap(({ services }) => services))
  }
  return groupsOf(plan, all).find((group) => group.includes(service)) ?? [service]
}

function gatesAt(plan: Plan, at: 'start' | 'every-step'): string[] {
  return Object.entries(plan.gates)
    .filter(([, gate]) => gate.at === at)
    .map(([name]) => name)
}

/** What shows, at each step of a service, that its interface or its data is kept. */
function strategyGates(plan: Plan, services: readonly string[]): string[] {
  return services.flatMap((service) => plan.services[service]?.state.gate ?? [])
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)]
}
