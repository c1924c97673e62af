import type { Layout } from '../../platforms/local/layout.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Judgement } from '../../rollout/judgement.ts'
import type { Gate } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import type { Surroundings } from '../surroundings.ts'
import type { World } from '../world.ts'
import type { GateContext } from './context.ts'
import { kindOf, servicesOf } from './kinds.ts'
import { askOne } from './query.ts'

/** What every judge of gates stands on. */
export interface GateParts {
  world: World
  metrics: Pick<GateContext, 'measure'> & {
    /** Answers of each green since the bake of this position began. */
    bake(): Journal['green']
  }
  around: Surroundings
  layout: Layout
  /** Default: of Prometheus. */
  ask?(query: string, stopped: AbortSignal): ReturnType<GateContext['ask']>
}

/**
 * Judges a gate now. Never throws: what could not be asked is inconclusive.
 * @param weights of the position it is judged at, or what is live
 */
export async function judgeGate(
  { world, metrics, around, layout, ask }: GateParts,
  gate: Gate,
  journal: Journal,
  weights: ServiceWeights,
  stopped: AbortSignal,
): Promise<Judgement> {
  const { plan, clock } = world.charge
  const kind = kindOf(gate)
  if (!kind) return { result: 'inconclusive', reason: 'a person answers it' }
  const services = servicesOf(plan, gate, kind, weights)
  if (services === 'elsewhere') {
    const named = gate.services?.join(', ')
    return { result: 'passed', reason: `${named} has no traffic on green here: nothing to judge` }
  }
  const green = metrics.bake()
  const standing = findPosition(positionsOf(plan), journal.verified.position)
  try {
    return await kind.judge({
      gate,
      plan,
      clock,
      around,
      layout,
      prometheus: world.prometheus,
      journal,
      position: journal.verified.position,
      settleMs: (standing?.settleMs ?? 0) / clock,
      services,
      weightOf: (service) => greenOf(weights, service),
      measure: (service, colour, windowMs) => metrics.measure(service, colour, windowMs),
      bakeOf: (service) => green[service],
      ask: (query) => ask?.(query, stopped) ?? askOne(world.prometheus, query, stopped),
      stopped,
    })
  } catch (error) {
    return { result: 'inconclusive', reason: (error as Error).message }
  }
}
