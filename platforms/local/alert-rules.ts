import { stringify } from 'yaml'
import { actionOf } from '../../rollout/action.ts'
import { formatDuration } from '../../rollout/duration.ts'
import type { Guardrail, Plan } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'
import {
  anyWeight,
  boundOf,
  evidence,
  hadWeight,
  hasWeight,
  match,
  measured,
  queryValueText,
  thresholdText,
  valueText,
} from './alert-expressions.ts'

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

/**
 * The alert rules of a plan: for each guardrail with a metric and each service that it is for one, and
 * one more for its `warn`; for each guardrail with a query one, and one for its `warn`; and for each
 * service one for a green server that is down. Checks and gates are the hook's own.
 *
 * Every operand is an aggregate without labels, so that none is dropped in a match. No data, too few
 * answers and green without weight make a rule fire never.
 *
 * @param clock how many times faster than real; it shortens windows and `for:` down to their floors
 */
export function alertRules(plan: Plan, clock: number): RuleFile {
  const guardrails = Object.entries(plan.guardrails)
  return {
    groups: Object.keys(plan.services).map((service) => ({
      name: service,
      interval: `${INTERVAL_MS}ms`,
      rules: [
        ...guardrails.flatMap(([name, guardrail]) => {
          const services = guardrail.services ?? Object.keys(plan.services)
          if (guardrail.query !== undefined) {
            // One alert of one number, under the name of the first of its services.
            return services[0] === service ? queryRules(name, guardrail, services, clock) : []
          }
          return services.includes(service) ? metricRules(name, guardrail, service, clock) : []
        }),
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
    const { metric, query } = guardrail
    if ((metric === undefined && query === undefined) || guardrail.for === undefined) return []
    const floors: string[] = []
    const add = (what: string, wanted: number, used: number) => {
      if (wanted >= used) return
      floors.push(
        `guardrails.${name}: ${what} ${formatDuration(used)} instead of ${formatDuration(wanted)}`,
      )
    }
    add('for', guardrail.for / clock, heldMs(guardrail.for, clock))
    if (metric === undefined) return floors
    add('window', realWindowMs(guardrail) / clock, windowMs(guardrail, clock))
    return floors
  })
}

function metricRules(
  name: string,
  guardrail: Guardrail,
  service: string,
  clock: number,
): AlertRule[] {
  const { metric, above, below, warn, severity } = guardrail
  const threshold = above ?? below
  if (!metric || !threshold) return []
  const window = `${windowMs(guardrail, clock)}ms`
  const operator = above ? '>' : '<'
  const rule = (name: string, threshold: Threshold, then: string): AlertRule => {
    const reading = { metric, service, window }
    const bound = boundOf(reading, threshold)
    return {
      alert: name,
      expr: [
        `(${measured(reading, 'green')} ${operator} on () (${bound}))`,
        ...evidence(reading, threshold),
        hadWeight(service, window),
      ].join('\nand on () '),
      ...heldFor(guardrail, clock),
      labels: labelsOf({ name, service, severity, then }),
      annotations: {
        value: valueText(metric),
        threshold: thresholdText(metric, threshold, bound),
      },
    }
  }
  return [
    rule(name, threshold, actionOf(guardrail).do),
    ...(warn ? [rule(`${name}-warn`, warn, 'notify')] : []),
  ]
}

/** What the plan's own query says, while one of the services that it is about has green. */
function queryRules(
  name: string,
  guardrail: Guardrail,
  services: string[],
  clock: number,
): AlertRule[] {
  const { query, above, below, warn, severity } = guardrail
  const threshold = above ?? below
  const [service] = services
  if (query === undefined || !threshold || service === undefined) return []
  // Of a query that gives several series the worst counts; a line of its own ends a comment in it.
  const value = `${above ? 'max' : 'min'}((${query}\n))`
  const rule = (name: string, threshold: Threshold, then: string): AlertRule[] => {
    if (threshold.kind !== 'absolute') return []
    return [
      {
        alert: name,
        expr: `(${value} ${above ? '>' : '<'} on () (vector(${threshold.value})))\nand on () ${anyWeight(services)}`,
        ...heldFor(guardrail, clock),
        labels: labelsOf({ name, service, severity, then }),
        annotations: {
          value: queryValueText(name, threshold.unit),
          threshold: formatThreshold(threshold),
        },
      },
    ]
  }
  return [
    ...rule(name, threshold, actionOf(guardrail).do),
    ...(warn ? rule(`${name}-warn`, warn, 'notify') : []),
  ]
}

function heldFor(guardrail: Guardrail, clock: number): { for?: string } {
  return guardrail.for === undefined ? {} : { for: `${heldMs(guardrail.for, clock)}ms` }
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
 * their share of errors. The longer the `for`, the longer the window may be. One look in which the
 * router found green down is a fortieth of ten seconds, so availability takes the longest.
 */
function realWindowMs(guardrail: Pick<Guardrail, 'metric' | 'for'>): number {
  if (guardrail.metric === 'availability') return LONGEST_WINDOW_MS
  if (guardrail.for === undefined) return THIN_WINDOW_MS
  return Math.min(Math.max(guardrail.for / 4, THIN_WINDOW_MS), LONGEST_WINDOW_MS)
}

function windowMs(guardrail: Pick<Guardrail, 'metric' | 'for'>, clock: number): number {
  const real = realWindowMs(guardrail)
  // How many answers came is chance too: of twelve that are due in 4 s seven come now and then.
  if (guardrail.metric === 'availability' || guardrail.metric === 'throughput') {
    return Math.round(Math.max(real / clock, THIN_WINDOW_MS))
  }
  if (guardrail.for === undefined) return real
  return Math.round(Math.max(real / clock, GROSS_WINDOW_MS))
}

function heldMs(forMs: number, clock: number): number {
  return Math.round(Math.max(forMs / clock, Math.min(forMs, LEAST_FOR_MS)))
}
