import { stringify } from 'yaml'
import { actionOf } from '../../rollout/action.ts'
import { formatDuration } from '../../rollout/duration.ts'
import { formatMetric, LEAST_REFERENCE, RELATIVE_FLOOR } from '../../rollout/guardrail.ts'
import type { Guardrail, Metric, Plan } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'

/** Prometheus' rule file: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/ */
export interface RuleFile {
  groups: { name: string; interval: string; rules: AlertRule[] }[]
}

export interface AlertRule {
  alert: string
  expr: string
  /** Milliseconds with their unit; none fires at once. */
  for?: string
  labels: { guardrail: string; service: string; severity: string; then: string }
  annotations: { value: string; threshold: string }
}

/** How often Prometheus scrapes the hook and evaluates the rules. */
export const INTERVAL_MS = 250

/** Fewer answers than this in a window say nothing. */
export const LEAST_REQUESTS = 20

// 16 scrapes, the least for an accelerated `for`; a shorter window holds too few answers to tell a
// fault from chance.
const GROSS_WINDOW_MS = 4_000
// Where there is time, a longer window sees thinner faults and needs less traffic.
const THIN_WINDOW_MS = 10_000
const LONGEST_WINDOW_MS = 60_000
// A shorter `for` is no longer than the evidence in one window needs to come in.
const LEAST_FOR_MS = 1_000
// The router saw the server fail its checks; this only outlasts a restart of the hook.
const SERVER_DOWN_FOR_MS = 1_000

const QUANTILES: Partial<Record<Metric, string>> = {
  p50: '0.5',
  p95: '0.95',
  p99: '0.99',
}

/**
 * The alert rules of a plan: for each guardrail with a metric and each service one, and one more for
 * its `warn`; and for each service one for a green server that is down. Checks are the hook's own.
 *
 * Every operand is an aggregate without labels, so that none is dropped in a match. No data, too few
 * answers and green without weight make a rule fire never.
 *
 * @param clock how many times faster than real; it shortens windows and `for:` down to their floors
 */
export function alertRules(plan: Plan, clock: number): RuleFile {
  return {
    groups: Object.keys(plan.services).map((service) => ({
      name: service,
      interval: `${INTERVAL_MS}ms`,
      rules: [
        ...Object.entries(plan.guardrails).flatMap(([name, guardrail]) =>
          guardrailRules(name, guardrail, service, clock),
        ),
        ...(plan.guardrails['server-down'] ? [] : [serverDown(service)]),
      ],
    })),
  }
}

/** The rule file as text. */
export function alertRulesText(plan: Plan, clock: number): string {
  return stringify(alertRules(plan, clock), { lineWidth: 0 })
}

/** The floors that an accelerated clock ran into, in words; reports name them. */
export function alertFloors(plan: Plan, clock: number): string[] {
  return Object.entries(plan.guardrails).flatMap(([name, guardrail]) => {
    if (guardrail.metric === undefined || guardrail.for === undefined) return []
    const floors: string[] = []
    const add = (what: string, wanted: number, used: number) => {
      if (wanted >= used) return
      floors.push(
        `guardrails.${name}: ${what} ${formatDuration(used)} instead of ${formatDuration(wanted)}`,
      )
    }
    add('for', guardrail.for / clock, heldMs(guardrail.for, clock))
    add('window', realWindowMs(guardrail.for) / clock, windowMs(guardrail, clock))
    return floors
  })
}

function guardrailRules(
  name: string,
  guardrail: Guardrail,
  service: string,
  clock: number,
): AlertRule[] {
  const { metric, above, below, warn, severity } = guardrail
  const then = actionOf(guardrail).do
  const threshold = above ?? below
  if (!metric || !threshold) return []
  const common = {
    metric,
    service,
    operator: above ? ('>' as const) : ('<' as const),
    window: `${windowMs(guardrail, clock)}ms`,
    heldMs: guardrail.for === undefined ? undefined : heldMs(guardrail.for, clock),
  }
  return [
    rule({ ...common, name, threshold, severity, then }),
    ...(warn
      ? [rule({ ...common, name: `${name}-warn`, threshold: warn, severity, then: 'notify' })]
      : []),
  ]
}

interface RuleParts {
  name: string
  metric: Metric
  service: string
  operator: '>' | '<'
  threshold: Threshold
  window: string
  heldMs?: number
  severity: string
  then: string
}

function rule(parts: RuleParts): AlertRule {
  const { name, metric, service, operator, threshold, window } = parts
  const bound = boundOf(parts)
  const conditions = [
    `(${measured(metric, service, 'green', window)} ${operator} on () (${bound}))`,
    `(${requests(service, 'green', window)} >= ${LEAST_REQUESTS})`,
    hadWeight(service, window),
  ]
  if (threshold.kind === 'blue') {
    conditions.push(`(${requests(service, 'blue', window)} >= ${LEAST_REFERENCE})`)
  }
  return {
    alert: name,
    expr: conditions.join('\nand on () '),
    ...(parts.heldMs === undefined ? {} : { for: `${parts.heldMs}ms` }),
    labels: labelsOf(parts),
    annotations: {
      value:
        metric === 'error-rate'
          ? 'error rate {{ $value | humanizePercentage }}'
          : `${metric} {{ $value | humanizeDuration }}`,
      threshold: thresholdText(metric, threshold, bound),
    },
  }
}

function serverDown(service: string): AlertRule {
  const labels = { name: 'server-down', service, severity: 'critical', then: 'rollback' }
  return {
    alert: labels.name,
    expr: `(max(sluice_server_up{${match(service, 'green')}}) == 0)\nand on () ${hasWeight(service)}`,
    for: `${SERVER_DOWN_FOR_MS}ms`,
    labels: labelsOf(labels),
    annotations: { value: 'green is down', threshold: 'up' },
  }
}

function labelsOf(parts: { name: string; service: string; severity: string; then: string }) {
  const { name, service, severity, then } = parts
  // Prometheus expands labels as templates; the plan's schema allows no such name.
  for (const text of [name, service]) {
    if (text.includes('{{')) throw new Error(`${text} is a template, not a name`)
  }
  return { guardrail: name, service, severity, then }
}

/**
 * Without a `for` the first window above the threshold counts, so it must not be short: of 4 s at 50
 * answers a second, four of five healthy stretches of five minutes have one above twice and a half
 * their share of errors. The longer the `for`, the longer the window may be.
 */
function realWindowMs(forMs: number | undefined): number {
  if (forMs === undefined) return THIN_WINDOW_MS
  return Math.min(Math.max(forMs / 4, THIN_WINDOW_MS), LONGEST_WINDOW_MS)
}

function windowMs(guardrail: Guardrail, clock: number): number {
  if (guardrail.for === undefined) return realWindowMs(undefined)
  return Math.round(Math.max(realWindowMs(guardrail.for) / clock, GROSS_WINDOW_MS))
}

function heldMs(forMs: number, clock: number): number {
  return Math.round(Math.max(forMs / clock, Math.min(forMs, LEAST_FOR_MS)))
}

function measured(metric: Metric, service: string, color: Color, window: string): string {
  if (metric === 'error-rate') {
    const bad = `sum(increase(sluice_requests_total{${match(service, color)},outcome="bad"}[${window}]))`
    return `${bad} / on () ${requests(service, color, window)}`
  }
  const buckets = `sluice_request_seconds_bucket{${match(service, color)}}[${window}]`
  return `histogram_quantile(${QUANTILES[metric]}, sum by (le) (rate(${buckets})))`
}

function boundOf({ metric, service, threshold, window }: RuleParts): string {
  if (threshold.kind === 'absolute') return `vector(${threshold.value})`
  const reference =
    threshold.kind === 'blue'
      ? measured(metric, service, 'blue', window)
      : metric === 'error-rate'
        ? `max(sluice_baseline_error_ratio{service=${quote(service)}})`
        : `max(sluice_baseline_seconds{service=${quote(service)},quantile="${QUANTILES[metric]}"})`
  return `clamp_min(${threshold.factor} * (${reference}), ${RELATIVE_FLOOR[metric]})`
}

/** Both numbers: a relative threshold is asked for again, as only `$value` is at hand. */
function thresholdText(metric: Metric, threshold: Threshold, bound: string): string {
  if (threshold.kind === 'absolute') return formatMetric(metric, threshold.value)
  const format = metric === 'error-rate' ? 'humanizePercentage' : 'humanizeDuration'
  const number = `{{ range query ${quote(bound)} }}{{ .Value | ${format} }}{{ end }}`
  return `${number} (${formatThreshold(threshold)})`
}

type Color = 'blue' | 'green'

function requests(service: string, color: Color, window: string): string {
  return `sum(increase(sluice_requests_total{${match(service, color)}}[${window}]))`
}

function hasWeight(service: string): string {
  return `(max(sluice_weight{${match(service, 'green')}}) > 0)`
}

function match(service: string, color: Color): string {
  return `service=${quote(service)},color="${color}"`
}

/** Over the whole window: else the first answers of a new attempt are judged with those of the last. */
function hadWeight(service: string, window: string): string {
  return `(max(min_over_time(sluice_weight{${match(service, 'green')}}[${window}])) > 0)`
}

/** A string of PromQL and of Go templates: both read JSON's escapes. */
function quote(text: string): string {
  return JSON.stringify(text)
}
