import {
  formatMetric,
  LEAST_REFERENCE,
  metricName,
  RELATIVE_FLOOR,
} from '../../rollout/guardrail.ts'
import type { Metric } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold, type Unit } from '../../rollout/threshold.ts'

/**
 * What the alert rules are made of, in Prometheus' language. Every operand is an aggregate without
 * labels, so that none is dropped in a match.
 */

/** Fewer answers than this in a window say nothing. */
export const LEAST_REQUESTS = 20

/** What green got by falling back to blue is neither its success nor its failure. */
const ITS_OWN = 'outcome!="fallback"'

const HUMANIZE: Record<Metric, string> = {
  'error-rate': 'humanizePercentage',
  'fallback-rate': 'humanizePercentage',
  availability: 'humanizePercentage',
  throughput: 'humanize',
  p50: 'humanizeDuration',
  p95: 'humanizeDuration',
  p99: 'humanizeDuration',
}

const UNIT: Partial<Record<Metric, string>> = { throughput: '/s' }

const QUERY_FORMAT: Record<Unit, string> = {
  ratio: 'humanizePercentage',
  seconds: 'humanizeDuration',
  bytes: 'humanize',
  number: 'printf "%.4g"',
}

const QUANTILES: Partial<Record<Metric, string>> = {
  p50: '0.5',
  p95: '0.95',
  p99: '0.99',
}

/** What is read of a service, and over how long. */
export interface Reading {
  metric: Metric
  service: string
  window: string
}

export function measured({ metric, service, window }: Reading, color: Color): string {
  const own = match(service, color)
  switch (metric) {
    case 'error-rate':
      return `${answers(`${own},outcome="bad"`, window)} / on () ${answers(`${own},${ITS_OWN}`, window)}`
    case 'fallback-rate':
      return `${answers(`${own},outcome="fallback"`, window)} / on () ${answers(own, window)}`
    case 'throughput':
      return `sum(rate(sluice_requests_total{${own}}[${window}]))`
    case 'availability':
      return `avg(avg_over_time(sluice_server_up{${own}}[${window}]))`
    default: {
      const buckets = `sluice_request_seconds_bucket{${own}}[${window}]`
      return `histogram_quantile(${QUANTILES[metric]}, sum by (le) (rate(${buckets})))`
    }
  }
}

export function boundOf(reading: Reading, threshold: Threshold): string {
  if (threshold.kind === 'absolute') return `vector(${threshold.value})`
  const { metric, service, window } = reading
  const floor = RELATIVE_FLOOR[metric]
  if (metric === 'throughput') {
    // What the service did before, or does now, green is to do of its share.
    const whole =
      threshold.kind === 'baseline'
        ? `max(sluice_baseline_rate{service=${quote(service)}})`
        : `sum(rate(sluice_requests_total{service=${quote(service)}}[${window}]))`
    return `clamp_min(${threshold.factor} * (${whole}) * on () (${leastWeight(service, window)} / 100), ${floor})`
  }
  const reference =
    threshold.kind === 'blue' ? measured(reading, 'blue') : baselineOf(metric, service)
  return `clamp_min(${threshold.factor} * (${reference}), ${floor})`
}

function baselineOf(metric: Metric, service: string): string {
  const own = `service=${quote(service)}`
  const quantile = QUANTILES[metric]
  if (quantile) return `max(sluice_baseline_seconds{${own},quantile="${quantile}"})`
  if (metric === 'error-rate') return `max(sluice_baseline_error_ratio{${own}})`
  // No blue falls back to itself, and one that was not up was no baseline.
  return metric === 'availability' ? 'vector(1)' : 'vector(0)'
}

/** Without so many answers a share or a quantile is chance; of a rate few answers are the point. */
export function evidence({ metric, service, window }: Reading, threshold: Threshold): string[] {
  if (metric === 'throughput' || metric === 'availability') return []
  const own = (color: Color) =>
    metric === 'fallback-rate' ? match(service, color) : `${match(service, color)},${ITS_OWN}`
  const conditions = [`(${answers(own('green'), window)} >= ${LEAST_REQUESTS})`]
  if (threshold.kind === 'blue') {
    conditions.push(`(${answers(own('blue'), window)} >= ${LEAST_REFERENCE})`)
  }
  return conditions
}

/** Both numbers: a relative threshold is asked for again, as only `$value` is at hand. */
export function thresholdText(metric: Metric, threshold: Threshold, bound: string): string {
  if (threshold.kind === 'absolute') return formatMetric(metric, threshold.value)
  const number = `{{ range query ${quote(bound)} }}{{ .Value | ${HUMANIZE[metric]} }}{{ end }}`
  return `${number}${UNIT[metric] ?? ''} (${formatThreshold(threshold)})`
}

/** The value of an alert, as a template that Prometheus fills in. */
export function valueText(metric: Metric): string {
  const name = QUANTILES[metric] ? metric : metricName(metric)
  return `${name} {{ $value | ${HUMANIZE[metric]} }}${UNIT[metric] ?? ''}`
}

export function queryValueText(name: string, unit: Unit): string {
  return `${name} {{ $value | ${QUERY_FORMAT[unit]} }}`
}

type Color = 'blue' | 'green'

function answers(selector: string, window: string): string {
  return `sum(increase(sluice_requests_total{${selector}}[${window}]))`
}

export function hasWeight(service: string): string {
  return `(max(sluice_weight{${match(service, 'green')}}) > 0)`
}

export function match(service: string, color: Color): string {
  return `service=${quote(service)},color="${color}"`
}

/** Over the whole window: else the first answers of a new attempt are judged with those of the last. */
export function hadWeight(service: string, window: string): string {
  return `(${leastWeight(service, window)} > 0)`
}

function leastWeight(service: string, window: string): string {
  return `max(min_over_time(sluice_weight{${match(service, 'green')}}[${window}]))`
}

export function anyWeight(services: string[]): string {
  return `(max(sluice_weight{service=~${quote(services.join('|'))},color="green"}) > 0)`
}

/** A string of PromQL and of Go templates: both read JSON's escapes. */
function quote(text: string): string {
  return JSON.stringify(text)
}
