import type { Layout } from '../../platforms/local/layout.ts'
import type { Journal, Measurement } from '../../rollout/journal.ts'
import type { Judgement } from '../../rollout/judgement.ts'
import type { ColourName, Gate, Plan } from '../../rollout/plan.ts'
import type { QueryValue } from '../../rollout/steady.ts'
import type { Surroundings } from '../surroundings.ts'

/** What a gate is judged by: the plan, where the rollout stands, and where to ask. */
export interface GateContext {
  gate: Gate
  plan: Plan
  /** How many times faster than real. */
  clock: number
  around: Surroundings
  /** Where colours of this host keep their logs. */
  layout: Layout
  /** Prometheus' address, without a path. */
  prometheus: string
  journal: Journal
  /** The position that stands. */
  position: string
  /** How long it settled, real ms: nothing of that time counts. */
  settleMs: number
  /** The services that it is judged for. */
  services: readonly string[]
  /** Green's weight now, percent. */
  weightOf(service: string): number
  /** Answers of a colour over the last `windowMs`. */
  measure(service: string, colour: ColourName, windowMs: number): Measurement | Promise<Measurement>
  /** Answers of green since the bake of this position began. */
  bakeOf(service: string): Measurement | undefined
  /** One number of a query of the plan. Never throws. */
  ask(query: string): Promise<QueryValue>
  /** Aborted when the hook stops, or what is judged is over. */
  stopped: AbortSignal
}

/** One kind of gate: how it is asked. What it could not ask is inconclusive, and says why. */
export interface GateKind {
  /** In words, for a verdict that is not there yet; undefined for what takes no time. */
  running?: string
  /** True where it says something only of green under traffic. */
  traffic: boolean
  /** @throws Error where something that it needs is not there: that is inconclusive */
  judge(context: GateContext): Promise<Judgement>
}

/** Real ms under guard at this position, without what it took to settle. */
export function bakedMs({ journal, settleMs }: GateContext): number {
  return Math.max(0, journal.guardedMs - settleMs)
}
