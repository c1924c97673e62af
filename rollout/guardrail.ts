import type { Measurement } from './journal.ts'
import type { Gate, Guardrail, Metric } from './plan.ts'
import { isOn, type Side, type Sided, sideOf } from './side.ts'
import { formatThreshold, formatValue, type Threshold } from './threshold.ts'

/** What a relative threshold is a multiple of. */
export interface References {
  /** What blue measured before the first step. */
  baseline?: Measurement
  /** What blue measures now. */
  blue?: Measurement
  /** Green's percent now: a throughput of green is held against so much of the baseline; default 100. */
  weight?: number
}

/** A threshold resolved to a number. */
export interface Bound {
  metric: Metric
  side: Side
  /** A ratio from 0 for the error rate, seconds for latencies. */
  value: number
  /** `5%`, or `300ms (2x baseline)` */
  text: string
}

/** Fewer answers than this are no reference: a quantile of a handful is chance. */
export const LEAST_REFERENCE = 20

/**
 * The least that a relative threshold resolves to. Twice an error rate of nothing is nothing,
 * and twice a millisecond is one turn of the scheduler: neither is a reason to roll back.
 */
export const RELATIVE_FLOOR: Record<Metric, number> = {
  'error-rate': 0.01,
  p50: 0.01,
  p95: 0.01,
  p99: 0.01,
  'fallback-rate': 0.001,
  // Held from below: less than nothing is nothing.
  throughput: 0,
  availability: 0,
}

/**
 * The answers that are of the colour itself. What green got by falling back to blue is evidence of
 * nothing but how often that happens.
 */
export function ownAnswers({
  requests,
  fallbacks = 0,
}: Pick<Measurement, 'requests' | 'fallbacks'>): number {
  return requests - fallbacks
}

/**
 * What was measured of a metric: a ratio from 0 to 1, or seconds.
 * @returns undefined where nothing was; no data is never a value
 */
export function measuredValue(
  metric: Metric,
  measurement: Measurement | undefined,
): number | undefined {
  if (!measurement || measurement.requests === 0) return undefined
  const value = readMetric(metric, measurement)
  return value !== undefined && Number.isFinite(value) ? value : undefined
}

/**
 * The threshold of a guardrail or a metric gate as a number.
 * @returns undefined where it has no metric or no threshold, or where its reference is not measured
 */
export function boundOf(
  criterion: Pick<Guardrail | Gate, 'metric'> & Sided,
  references: References = {},
): Bound | undefined {
  const { metric } = criterion
  const sided = sideOf(criterion)
  if (!metric || !sided) return undefined
  return resolve(sided.threshold, metric, sided.side, references)
}

/** True when the value is on the side that the bound names. What was not measured breaches nothing. */
export function breaches(value: number | undefined, bound: Bound): boolean {
  if (value === undefined || !Number.isFinite(value)) return false
  return isOn(bound.side, value, bound.value)
}

/** `error rate 12%` or `p95 400ms` */
export function describeValue(metric: Metric, value: number): string {
  return `${metricName(metric)} ${formatMetric(metric, value)}`
}

function readMetric(metric: Metric, measurement: Measurement): number | undefined {
  switch (metric) {
    case 'error-rate':
      // What blue answered for green is no answer of green's, and thins no errors out.
      return measurement.errors / ownAnswers(measurement)
    case 'fallback-rate':
      return (measurement.fallbacks ?? 0) / measurement.requests
    case 'throughput':
      return measurement.rate
    default:
      return measurement[metric]
  }
}

/** True for a metric that is a share from 0 to 1. */
export function isShare(metric: Metric): boolean {
  return metric === 'error-rate' || metric === 'fallback-rate' || metric === 'availability'
}

/** True for a metric whose fall is what hurts. */
export function isHeldFromBelow(metric: Metric): boolean {
  return metric === 'throughput' || metric === 'availability'
}

/** A value in the unit of its metric: `12%`, `400ms` or `38.5/s`. */
export function formatMetric(metric: Metric, value: number): string {
  if (metric === 'throughput') return `${Number(value.toPrecision(4))}/s`
  return formatValue(value, isShare(metric) ? 'ratio' : 'seconds')
}

/** The metric in words. */
export function metricName(metric: Metric): string {
  return metric.replace('-', ' ')
}

function resolve(
  threshold: Threshold,
  metric: Metric,
  side: Bound['side'],
  references: References,
): Bound | undefined {
  if (threshold.kind === 'absolute') {
    return { metric, side, value: threshold.value, text: formatMetric(metric, threshold.value) }
  }
  const reference = threshold.kind === 'baseline' ? references.baseline : references.blue
  const measured = measuredValue(metric, reference)
  if (measured === undefined || !reference || reference.requests < LEAST_REFERENCE) return undefined
  // What blue did alone, green is to do of its share.
  const share = metric === 'throughput' ? (references.weight ?? 100) / 100 : 1
  const value = Math.max(threshold.factor * measured * share, RELATIVE_FLOOR[metric])
  return {
    metric,
    side,
    value,
    text: `${formatMetric(metric, value)} (${formatThreshold(threshold)})`,
  }
}
