import {
  boundOf,
  breaches,
  describeValue,
  measuredValue,
  ownAnswers,
  type References,
} from './guardrail.ts'
import type { Measurement } from './journal.ts'
import type { Judgement } from './judgement.ts'
import type { Gate } from './plan.ts'
import { isOn, SIDE_WORDS, sideOf } from './side.ts'
import { formatThreshold, formatValue } from './threshold.ts'

/**
 * Judges a metric gate at the end of a bake. It passes where green's value over the whole bake is on
 * the side that the gate names: `below: 0.1%`, `atMost: 3s`. Too few answers, no value or no reference is
 * inconclusive, never a pass.
 *
 * @param green green's answers since the bake began; what came while it settled is not among them
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
  const threshold = sideOf(gate)?.threshold
  if (!metric || !threshold) {
    return { result: 'inconclusive', reason: 'the gate has no metric with a threshold' }
  }
  const requests = green?.requests ?? 0
  // An answer that blue gave for green says nothing of green but how often that happens.
  const own = metric === 'fallback-rate' || !green ? requests : ownAnswers(green)
  if (own < minimumRequests || own === 0) {
    const fallen = requests - own
    return {
      result: 'inconclusive',
      reason: `green gave ${own} answers${fallen > 0 ? ` of its own, and ${fallen} by falling back,` : ''} of the ${minimumRequests} that minimumRequests asks for`,
    }
  }
  const value = measuredValue(metric, green)
  if (value === undefined) {
    return {
      result: 'inconclusive',
      reason: `no ${metric} was measured over ${own} answers of green`,
    }
  }
  const measured = `${describeValue(metric, value)} over ${own} answers`
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
    reason: `${measured}, ${holds ? '' : 'not '}${SIDE_WORDS[bound.side]} ${bound.text}`,
  }
}

/** What a query gave: its one number, or why there is none. */
export type QueryValue = { value: number } | { problem: string }

/** Judges a query gate. What is no number is inconclusive: no data, NaN, several series. */
export function judgeQuery(gate: Gate, answer: QueryValue): Judgement {
  const sided = sideOf(gate)
  if (!sided) return { result: 'inconclusive', reason: 'the gate has no threshold' }
  const { side, threshold } = sided
  if ('problem' in answer) return { result: 'inconclusive', reason: answer.problem }
  const { value } = answer
  if (threshold.kind !== 'absolute') {
    return {
      result: 'inconclusive',
      reason: `the query gave ${value}, but ${formatThreshold(threshold)} is no number to hold it against`,
    }
  }
  if (!Number.isFinite(value)) {
    return { result: 'inconclusive', reason: `the query gave ${value}, which is no number` }
  }
  const holds = isOn(side, value, threshold.value)
  const { unit } = threshold
  const [found, bound] = [formatValue(value, unit), formatValue(threshold.value, unit)]
  return {
    result: holds ? 'passed' : 'failed',
    reason: `the query gave ${found}, ${holds ? '' : 'not '}${SIDE_WORDS[side]} ${bound}`,
  }
}
