import {
  boundOf,
  formatMetric,
  isHeldFromBelow,
  LEAST_REFERENCE,
  measuredValue,
} from './guardrail.ts'
import type { Journal, Measurement } from './journal.ts'
import type { Metric, Plan } from './plan.ts'
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
  /** What blue's was, where that is known: before the first step, or by the target's own query. */
  blue?: string
  /** What green changed of it; missing where blue's is. */
  change?: Change
}

/** How one number stands to the one before. */
export interface Change {
  /** In percent of the one before: negative is less. */
  change: number
  better: boolean
}

/** What was measured: of green since the last move, and by the queries of the targets. */
export interface Measured extends TargetQueries {
  green: Record<string, Measurement>
  /** What blue measured before the first step, by service. */
  baselines: Journal['baselines']
  /** What blue measures now, by service; needed for targets of blue only. */
  blue?: Record<string, Measurement>
}

/** The one number that the query of a target gave, by its name; undefined where it gave none. */
export type QueryNumbers = Record<string, number | undefined>

export interface TargetQueries {
  queries: QueryNumbers
  /** The same of the targets' queries for blue. */
  blueQueries?: QueryNumbers
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
        ? ofQuery(target, measured.queries[name], measured.blueQueries?.[name])
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

type Found = Omit<Kpi, 'name' | 'title'>

function ofQuery(target: Target, value: number | undefined, blue: number | undefined): Found {
  const threshold = target.above ?? target.below
  const side = target.above ? 'above' : 'below'
  const text = threshold ? `${side} ${formatThreshold(threshold)}` : '-'
  if (threshold?.kind !== 'absolute' || value === undefined) return unknown(text)
  return {
    target: text,
    actual: formatValue(value, threshold.unit),
    result: meets(side, value, threshold.value),
    ...beside(blue, value, side === 'above', (number) => formatValue(number, threshold.unit)),
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
    return [{ service, value, bound, gap }]
  })
  const worst = found.toSorted((a, b) => a.gap - b.gap)[0]
  if (!worst) return unknown(`${side} ${formatThreshold(threshold)}`)
  return {
    target: `${side} ${worst.bound.text}`,
    actual: formatMetric(metric, worst.value),
    result: meets(side, worst.value, worst.bound.value),
    ...beside(
      referenceOf(metric, measured.baselines[worst.service]),
      worst.value,
      isHeldFromBelow(metric),
      (number) => formatMetric(metric, number),
    ),
  }
}

/** What blue's was, and what became of it; nothing where it is not known. */
function beside(
  blue: number | undefined,
  green: number,
  moreIsBetter: boolean,
  format: (value: number) => string,
): Pick<Kpi, 'blue' | 'change'> {
  if (blue === undefined) return {}
  return { blue: format(blue), change: changeOf(blue, green, moreIsBetter) }
}

function referenceOf(metric: Metric, baseline: Measurement | undefined): number | undefined {
  if (!baseline || baseline.requests < LEAST_REFERENCE) return undefined
  return measuredValue(metric, baseline)
}

function changeOf(before: number, now: number, moreIsBetter: boolean): Change {
  const all = now === 0 ? 0 : 100
  const change = before === 0 ? all : Math.round(((now - before) / before) * 1_000) / 10
  return { change, better: moreIsBetter ? now > before : now < before }
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
export interface Gain extends Change {
  service: string
  metric: 'error-rate' | 'p95' | 'throughput'
  blue: string
  green: string
}

/** `-25%, better`; `the same` */
export function gainText({ change, better }: Change): string {
  if (change === 0) return 'the same'
  return `${change > 0 ? '+' : ''}${change}%, ${better ? 'better' : 'worse'}`
}

/** Green of each service against what blue measured before the first step. Pure. */
export function gainsOf(green: Measured['green'], baselines: Journal['baselines']): Gain[] {
  return Object.keys(green).flatMap((service) => {
    const [now, before] = [green[service], baselines[service]]
    return (['error-rate', 'p95'] as const).flatMap((metric): Gain[] => {
      const [a, b] = [referenceOf(metric, before), measuredValue(metric, now)]
      if (a === undefined || b === undefined) return []
      return [
        {
          service,
          metric,
          blue: formatMetric(metric, a),
          green: formatMetric(metric, b),
          ...changeOf(a, b, isHeldFromBelow(metric)),
        },
      ]
    })
  })
}
