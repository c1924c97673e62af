import type { Plan } from './plan.ts'
import { allBlue, type ServiceWeights, split } from './weights.ts'

/** A named place on the way from blue to green. The plan compiles to a linear list of them. */
export interface Position {
  index: number
  name: string
  kind: 'start' | 'step' | 'promoted' | 'released' | 'retired'
  weights: ServiceWeights
  /** How long it is watched, in ms of the plan's own clock, before it may be left. */
  bakeMs: number
  /** The gates judged at the end of the bake, before it is left. */
  gates: string[]
}

/**
 * Compiles a plan into its positions: `start`, each step of each service in the plan's order,
 * `promoted` (all green, blue protected), `released` (guard disarmed), `retired` (blue deleted).
 */
export function positionsOf(plan: Plan): Position[] {
  const services = Object.keys(plan.services)
  let weights = allBlue(services)
  const positions: Omit<Position, 'index'>[] = [
    {
      name: 'start',
      kind: 'start',
      weights,
      bakeMs: plan.start.bake,
      gates: unique([...plan.start.gates, ...gatesAt(plan, 'start')]),
    },
  ]
  for (const service of services) {
    for (const step of plan.steps) {
      const { weight, bake, gates } =
        typeof step === 'number' ? { weight: step, bake: undefined, gates: [] } : step
      weights = { ...weights, [service]: split(weight) }
      positions.push({
        name: `${service}@${weight}`,
        kind: 'step',
        weights,
        bakeMs: bake ?? plan.bake,
        gates: unique([...gates, ...gatesAt(plan, 'every-step')]),
      })
    }
  }
  const end = { weights, gates: [] }
  positions.push({ ...end, name: 'promoted', kind: 'promoted', bakeMs: plan.retire.after })
  positions.push({ ...end, name: 'released', kind: 'released', bakeMs: 0 })
  positions.push({ ...end, name: 'retired', kind: 'retired', bakeMs: 0 })
  return positions.map((position, index) => ({ index, ...position }))
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
 * Where a rollback lands: the last position at which every service stood at 0.
 * With one scope, the whole plan, that is the start.
 */
export function landingOf(positions: readonly Position[], from: Position): Position {
  const candidates = positions.filter(
    (position) =>
      position.index <= from.index &&
      Object.values(position.weights).every(({ green }) => green === 0),
  )
  return candidates.at(-1) ?? (positions[0] as Position)
}

function gatesAt(plan: Plan, at: 'start' | 'every-step'): string[] {
  return Object.entries(plan.gates)
    .filter(([, gate]) => gate.at === at)
    .map(([name]) => name)
}

function unique(names: string[]): string[] {
  return [...new Set(names)]
}
