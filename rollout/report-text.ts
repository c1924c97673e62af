import { formatSpan } from './duration.ts'
import { formatMetric, measuredValue, metricName } from './guardrail.ts'
import type { Alarm, Journal, Measurement } from './journal.ts'
import { isUnavailable, type Unavailable } from './observation.ts'
import { findPosition, positionsOf } from './positions.ts'
import type { Recommendation } from './recommendation.ts'
import { describeKpis, type Gain, gainText, type Kpi } from './targets.ts'
import { greenOf, type ServiceWeights } from './weights.ts'

/** What both colours answered, by service. */
export type BothMeasured = Record<string, { blue: Measurement; green: Measurement }>

/** A change below this share of the number before is told as steady. */
const STEADY = 0.1

/** What a report is made of. */
export interface ReportData {
  journal: Journal
  clock: number
  live: ServiceWeights | Unavailable
  alarms: Alarm[] | Unavailable
  /** What both colours of each service answered lately. */
  measured: BothMeasured
  /** The same of the report before; undefined in the first one. */
  before?: BothMeasured
  gains: readonly Gain[]
  kpis: readonly Kpi[]
  advice: Recommendation
}

/** The report that people get at each interval: a line for each thing. Pure. */
export function reportText(data: ReportData): string {
  const { journal, gains, kpis, alarms, advice } = data
  return [
    standing(data),
    ...Object.keys(journal.plan.services).flatMap((service) => serviceLine(data, service)),
    ...gains.map(gainLine),
    ...(kpis.length > 0 ? [describeKpis(kpis)] : []),
    ...kpis.map(kpiLine),
    `alarms: ${alarmsText(alarms)}`,
    `recommendation: ${advice.advice}, as ${advice.reason}`,
  ].join('\n')
}

function standing({ journal, clock }: ReportData): string {
  const { plan, verified, attempt, guardedMs } = journal
  const position = findPosition(positionsOf(plan), verified.position)
  const baked = Math.max(0, guardedMs * clock - (position?.settleMs ?? 0))
  return `${verified.position} stands since ${verified.at}, baked ${formatSpan(baked)} of ${formatSpan(position?.bakeMs ?? 0)}, attempt ${attempt}`
}

function serviceLine({ live, measured, before }: ReportData, service: string): string[] {
  const both = measured[service]
  if (!both || isUnavailable(live) || greenOf(live, service) === 0) return []
  const compared = (['error-rate', 'p95'] as const).flatMap((metric) => {
    const [green, blue] = [measuredValue(metric, both.green), measuredValue(metric, both.blue)]
    if (green === undefined) return []
    const beside = [
      ...(blue === undefined ? [] : [`blue ${formatMetric(metric, blue)}`]),
      ...trend(metric, green, measuredValue(metric, before?.[service]?.green)),
    ]
    const others = beside.length === 0 ? '' : ` (${beside.join(', ')})`
    return [`${metricName(metric)} ${formatMetric(metric, green)}${others}`]
  })
  const answers = `${both.green.requests} answers`
  return [`${service}: green ${greenOf(live, service)}%, ${[answers, ...compared].join(', ')}`]
}

/** How a number moved since the report before; nothing where that had none. */
function trend(metric: 'error-rate' | 'p95', now: number, before: number | undefined): string[] {
  if (before === undefined) return []
  if (Math.abs(now - before) <= STEADY * before) return ['steady']
  return [`${now > before ? 'up' : 'down'} from ${formatMetric(metric, before)}`]
}

function gainLine(gain: Gain): string {
  const { service, metric, blue, green } = gain
  return `${service}: ${metricName(metric)} ${blue} before, ${green} now (${gainText(gain)})`
}

function kpiLine({ title, actual, target, result, blue, change }: Kpi): string {
  const beside = change ? `, blue ${blue} (${gainText(change)})` : ''
  return `${title}: ${actual}, ${target}: ${result}${beside}`
}

function alarmsText(alarms: Alarm[] | Unavailable): string {
  if (isUnavailable(alarms)) return `unknown: ${alarms.unavailable}`
  if (alarms.length === 0) return 'none'
  return alarms
    .map(
      ({ guardrail, service, value, threshold }) =>
        `${guardrail} on ${service}: ${value} against ${threshold}`,
    )
    .join('; ')
}
