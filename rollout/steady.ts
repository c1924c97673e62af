import { boundOf, breaches, describeValue, measuredValue, type References } from './guardrail.ts'
import type { Measurement } from './journal.ts'
import type { Judgement } from './parity.ts'
import type { Gate } from './plan.ts'
import { formatThreshold } from './threshold.ts'

/**
 * Judges a metric gate at the end of a bake. It passes where green's value over the whole bake is on
 * the side that the gate names: `below: 0.1%`. Too few answers, no value or no reference is
 * inconclusive, never a pass.
 *
 * @param green green's answers since the bake began
 * @param references what a relative threshold is a multiple of
 * @param minimumRequests the plan's
 */
export function judgeSteady(
  gate: Gate,
  green: Measurement | undefined,
  references: References,
  minimumRequests: number,
): Judgement {
  const { metric } = gate
  const threshold = gate.above ?? gate.below
  if (!metric || !threshold) {
    return { result: 'inconclusive', reason: 'the gate has no metric with above or below' }
  }
  const requests = green?.requests ?? 0
  if (requests < minimumRequests || requests === 0) {
    return {
      result: 'inconclusive',
      reason: `green gave ${requests} answers of the ${minimumRequests} that minimumRequests asks for`,
    }
  }
  const value = measuredValue(metric, green)
  if (value === undefined) {
    return {
      result: 'inconclusive',
      reason: `no ${metric} was measured over ${requests} answers of green`,
    }
  }
  const measured = `${describeValue(metric, value)} over ${requests} answers`
  const bound = boundOf(gate, references)
  if (!bound) {
    return {
      result: 'inconclusive',
      reason: `${measured}, but what ${formatThreshold(threshold)} refers to was not measured`,
    }
  }
  const holds = breaches(value, bound)
  return {
    result: holds ? 'passed' : 'failed',
    reason: `${measured}, ${holds ? '' : 'not '}${bound.side} ${bound.text}`,
  }
}
