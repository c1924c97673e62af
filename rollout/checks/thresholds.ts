import { isHeldFromBelow, isShare } from '../guardrail.ts'
import type { Metric } from '../plan.ts'
import type { Keys } from '../plan-parts.ts'
import { isUpward, SIDES, type Sided } from '../side.ts'
import { formatThreshold, type Threshold } from '../threshold.ts'
import type { Check } from './check.ts'

/** Thresholds that mean something for what they are held against. */

/** `query` has no metric of its own: any number, in any unit, of either side. */
export type Measured = Metric | 'query'

interface Sides extends Sided {
  warn?: Threshold
}

/** Exactly one side, and its threshold of the metric's kind. */
export function sidesCheck(
  criterion: Sides,
  metric: Measured,
  keys: Keys,
  does: 'trips' | 'passes',
): Check[] {
  const rests = SIDES.map((key) => [...keys, key])
  const healthy = metric !== 'query' && isHeldFromBelow(metric) ? 'above' : 'below'
  const ill = healthy === 'below' ? 'above' : 'below'
  const right = does === 'trips' ? ill : healthy
  const [side, another] = SIDES.filter((each) => criterion[each] !== undefined)
  if (another) {
    return [{ keys, message: `has both ${side} and ${another}; keep one`, rests }]
  }
  if (!side) {
    const example = `${right}: ${EXAMPLE[metric]}`
    return [{ keys, message: `never ${does}; give above or below, such as ${example}`, rests }]
  }
  if (metric !== 'query' && isUpward(side) !== (right === 'above') && strict(metric)) {
    const when = does === 'trips' ? 'trip while green is well' : 'pass while green is ill'
    const message = `would ${when}; give ${right} for ${named(metric)}`
    return [{ keys: [...keys, side], message }]
  }
  return thresholdChecks(criterion[side] as Threshold, metric, [...keys, side])
}

/** A warning comes before what it warns of. */
export function warnChecks({ above, below, warn }: Sides, metric: Measured, keys: Keys): Check[] {
  if (!warn) return []
  const at = [...keys, 'warn']
  const checks = thresholdChecks(warn, metric, at)
  const rests = ['above', 'below'].map((key) => [...keys, key])
  const say = (threshold: Threshold, side: 'below' | 'above') =>
    checks.push({
      keys: at,
      message: `${formatThreshold(warn)} would not warn before ${formatThreshold(threshold)}; give a value ${side} it`,
      rests,
    })
  if (above && !below && !isBelow(warn, above)) say(above, 'below')
  if (below && !above && !isBelow(below, warn)) say(below, 'above')
  return checks
}

const EXAMPLE: Record<Measured, string> = {
  'error-rate': '5%',
  'fallback-rate': '0.5%',
  availability: '99.9%',
  throughput: '60% of baseline',
  p50: '150ms',
  p95: '150ms',
  p99: '150ms',
  query: '0.9',
}

/** A latency may be held from either side: what answers at once may not have done its work. */
function strict(metric: Metric): boolean {
  return isShare(metric) || metric === 'throughput'
}

function named(metric: Metric): string {
  return `${/^[aeiou]/.test(metric) ? 'an ' : /rate$/.test(metric) ? 'a ' : ''}${metric}`
}

export function thresholdChecks(threshold: Threshold, metric: Measured, keys: Keys): Check[] {
  // Any traffic at all is something to ask for.
  const isAny = metric === 'throughput' && keys.at(-1) === 'above'
  // And none at all is a share that may be asked for, where the number itself is in it.
  const isNone = metric !== 'query' && isShare(metric) && keys.at(-1) === 'atMost'
  if ((isAny || isNone) && threshold.kind === 'absolute' && threshold.value === 0) return []
  const message =
    threshold.kind === 'absolute'
      ? absoluteProblem(threshold, metric)
      : relativeProblem(threshold, metric)
  return message ? [{ keys, message }] : []
}

function relativeProblem(
  threshold: Exclude<Threshold, { kind: 'absolute' }>,
  metric: Measured,
): string | undefined {
  const given = formatThreshold(threshold)
  if (metric === 'query') return `${given} is nothing that a query has; give a number, such as 0.9`
  if (threshold.factor > 0) return undefined
  const more = isHeldFromBelow(metric) ? `60% of ${threshold.kind}` : `2x ${threshold.kind}`
  return `${given} is 0; give more, such as ${more}`
}

function absoluteProblem(
  threshold: Extract<Threshold, { kind: 'absolute' }>,
  metric: Measured,
): string | undefined {
  const given = formatThreshold(threshold)
  const { unit, value } = threshold
  if (metric === 'query') return undefined
  if (unit === 'bytes') return `${given} is a size, which only a query has; give ${EXAMPLE[metric]}`
  if (metric === 'throughput') {
    if (unit !== 'number') {
      return `${given} is no throughput; give answers a second, such as 20, or a relation such as 60% of baseline`
    }
    return value > 0 ? undefined : '0 is no threshold; give more, such as 60% of baseline'
  }
  if (isShare(metric)) return shareProblem(given, unit, value, metric)
  if (unit === 'number') {
    return `${given} is ambiguous for ${metric}; give ${given}ms, ${given}s or a relation such as 2x baseline`
  }
  if (unit === 'ratio') {
    return `${given} is a share; give a time for ${metric}, such as 150ms, or 110% of blue`
  }
  return value > 0 ? undefined : `0 is no threshold; give a time, such as 150ms`
}

function shareProblem(
  given: string,
  unit: string,
  value: number,
  metric: Metric,
): string | undefined {
  const example = EXAMPLE[metric]
  const what = named(metric)
  if (unit === 'number') {
    const relation = isHeldFromBelow(metric) ? '99% of blue' : '2x baseline'
    return `${given} is ambiguous for ${what}; give ${given}% or a relation such as ${relation}`
  }
  if (unit === 'seconds') return `${given} is a time; give a share for ${what}, such as ${example}`
  if (value === 0) {
    const more = metric === 'availability' ? example : '0.1%'
    return `0% is no threshold; give more than 0%, such as ${more}`
  }
  if (value > 1) return `${given} is never passed; give less than 100%`
  if (value === 1 && metric !== 'availability') {
    return `${given} is never passed; give less than 100%`
  }
  return undefined
}

/** False only where both can be compared and `a` is not below `b`. */
function isBelow(a: Threshold, b: Threshold): boolean {
  if (a.kind === 'absolute') {
    return b.kind !== 'absolute' || a.unit !== b.unit || a.value < b.value
  }
  return b.kind !== a.kind || a.factor < b.factor
}
