import type { Gate, Plan } from '../../rollout/plan.ts'
import { greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import type { GateKind } from './context.ts'
import { data } from './data.ts'
import { experiment } from './experiment.ts'
import { load } from './load.ts'
import { logs } from './logs.ts'
import { parity } from './parity.ts'
import { rehearsed } from './rehearsed.ts'
import { rules } from './rules.ts'
import { query, steady } from './steady.ts'
import { suite } from './suite.ts'

/** The kinds of gates, by the field of the plan that makes a gate one. A person answers `confirm`. */
export const KINDS = {
  metric: steady,
  query,
  replay: parity,
  compare: data,
  cases: rules,
  load,
  run: suite,
  experiment,
  logs,
  rehearsed,
} satisfies Partial<Record<keyof Gate, GateKind>>

/** The kind of a gate; undefined for one that a person answers. */
export function kindOf(gate: Gate): GateKind | undefined {
  const name = (Object.keys(KINDS) as (keyof typeof KINDS)[]).find(
    (field) => gate[field] !== undefined,
  )
  return name && KINDS[name]
}

/**
 * The services that a gate is judged for: those it names, else all; of them those with traffic on
 * green, and where none has, all of them, unless the gate says something only of traffic.
 * @returns `elsewhere` where only services that it does not name have traffic: it has nothing to say
 */
export function servicesOf(
  plan: Plan,
  gate: Gate,
  kind: Pick<GateKind, 'traffic'>,
  weights: ServiceWeights,
): string[] | 'elsewhere' {
  const all = Object.keys(plan.services)
  const asked = gate.services ?? all
  const served = (services: readonly string[]) =>
    services.filter((service) => greenOf(weights, service) > 0)
  if (served(asked).length > 0) return served(asked)
  if (!kind.traffic) return asked
  return served(all).length > 0 ? 'elsewhere' : []
}
