import {
  boundOf,
  formatMetric,
  isHeldFromBelow,
  LEAST_REFERENCE,
  measuredValue,
} from './guardrail.ts'
import type { Journal, Measurement } from './journal.ts'
import type { Plan } from './plan.ts'
import { formatThreshold, formatValue } from './threshold.ts'

type Target = Plan['report']['targets'][string]

/** A target of the plan and what was measured of it. */
export interface Kpi {
  name: string
  title: string
  /** `above 99.9%` */
  target: string
  /** `99.7%`; `not measured` where nothing was. */
  actual: string
  result: 'met' | 'missed' | 'not measured'
}

/** What was measured: of green since the last move, and the numbers of the queries by target. */
export interface Measured {
  green: Record<string, Measurement>
  /** What blue measured before the first step, by service. */
  baselines: Journal['baselines']
  /** What blue measures now, by service; needed for targets of blue only. */
  blue?: Record<string, Measurement>
  /** The one number that a target's query gave; missing where it gave none. */
  queries: Record<string, number | undefined>
}

/**
 * The targets of the plan against what was measured. A target is met at its number too, and by
 * nothing that is not measured; of several services the worst counts.
 */
export function kpiTable(plan: Plan, measured: Measured): Kpi[] {
  return Object.entries(plan.report.targets).map(([name, target]) => {
    const title = target.title ?? name
    const found =
      target.metric === undefined
        ? ofQuery(target, measured.queries[name])
        : ofMetric(plan, target, measured)
    return { name, title, ...found }
  })
}

/** `7 of 9 targets met, missed: availability` */
export function describeKpis(kpis: readonly Kpi[]): string {
  const met = kpis.filter(({ result }) => result === 'met').length
  const of = (which: Kpi['result']) =>
    kpis.filter(({ result }) => result === which).map(({ title }) => title)
  const missed = of('missed')
  const unknown = of('not measured')
  return [
    `${met} of ${kpis.length} targets met`,
    ...(missed.length > 0 ? [`missed: ${missed.join(', ')}`] : []),
    ...(unknown.length > 0 ? [`not measured: ${unknown.join(', ')}`] : []),
  ].join(', ')
}

type Found = Pick<Kpi, 'target' | 'actual' | 'result'>

function ofQuery(target: Target, value: number | undefined): Found {
  const threshold = target.above ?? target.below
  const side = target.above ? 'above' : 'below'
  const text = threshold ? `${side} ${formatThreshold(threshold)}` : '-'
  if (threshold?.kind !== 'absolute' || value === undefined) return unknown(text)
  return {
    target: text,
    actual: formatValue(value, threshold.unit),
    result: meets(side, value, threshold.value),
  }
}

function ofMetric(plan: Plan, target: Target, measured: Measured): Found {
  const { metric } = target
  const threshold = target.above ?? target.below
  if (metric === undefined || threshold === undefined) return unknown('-')
  const side = target.above ? 'above' : 'below'
  const found = Object.keys(plan.services).flatMap((service) => {
    const value = measuredValue(metric, measured.green[service])
    const references = { baseline: measured.baselines[service], blue: measured.blue?.[service] }
    const bound = boundOf(target, references)
    if (value === undefined || !bound || (measured.green[service]?.requests ?? 0) === 0) return []
    const gap = side === 'above' ? value - bound.value : bound.value - value
    return [{ value, bound, gap }]
  })
  const worst = found.toSorted((a, b) => a.gap - b.gap)[0]
  if (!worst) return unknown(`${side} ${formatThreshold(threshold)}`)
  return {
    target: `${side} ${worst.bound.text}`,
    actual: formatMetric(metric, worst.value),
    result: meets(side, worst.value, worst.bound.value),
  }
}

function meets(side: 'above' | 'below', value: number, bound: number): Kpi['result'] {
  const met = side === 'above' ? value >= bound : value <= bound
  return met ? 'met' : 'missed'
}

const unknown = (target: string): Found => ({
  target,
  actual: 'not measured',
  result: 'not measured',
})

/** What green does better or worse than blue did, for people: gains of a daily report. */
export interface Gain {
  service: string
  metric: 'error-rate' | 'p95' | 'throughput'
  blue: string
  green: string
  /** In percent of blue: negative is less. */
  change: number
  better: boolean
}

/** `-25%, better`; `the same` */
export function gainText({ change, better }: Gain): string {
  if (change === 0) return 'the same'
  return `${change > 0 ? '+' : ''}${change}%, ${better ? 'better' : 'worse'}`
}

/** Green of each service against what blue measured before the first step. Pure. */
export function gainsOf(green: Measured['green'], baselines: Journal['baselines']): Gain[] {
  return Object.keys(green).flatMap((service) => {
    const [now, before] = [green[service], baselines[service]]
    if (!now || !before || before.requests < LEAST_REFERENCE) return []
    return (['error-rate', 'p95'] as const).flatMap((metric): Gain[] => {
      const [a, b] = [measuredValue(metric, before), measuredValue(metric, now)]
      if (a === undefined || b === undefined) return []
      const change = a === 0 ? (b === 0 ? 0 : 100) : Math.round(((b - a) / a) * 1_000) / 10
      const better = isHeldFromBelow(metric) ? b > a : b < a
      return [
        {
          service,
          metric,
          blue: formatMetric(metric, a),
          green: formatMetric(metric, b),
          change,
          better,
        },
      ]
    })
  })
}
