import { RELATIVE_FLOOR } from '../../rollout/guardrail.ts'
import type { Guardrail, Metric, Plan } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'
import { NAMESPACE } from './measure.ts'
import { TICK } from './reference.ts'

/** The namespace of what Sluice itself puts: baselines and the hook's heartbeat. */
export const OWN_NAMESPACE = 'Sluice'
/** Fewer answers in a period are chance. */
const LEAST_REQUESTS = 20
/** Of a quantile so many are needed for its tail to be one. */
const LEAST_FOR: Partial<Record<Metric, number>> = { p95: 200, p99: 1_000 }

/** A metric of one period; `T` is a string, or an output of the engine that becomes one. */
export interface AlarmMetric<T> {
  namespace: string
  metricName: string
  dimensions: Record<string, T>
  stat: string
  period: number
}

export interface AlarmQuery<T> {
  id: string
  label?: string
  expression?: string
  metric?: AlarmMetric<T>
  returnData: boolean
}

/** A CloudWatch metric alarm. */
export interface AlarmSpec<T> {
  name: string
  description: string
  comparison: 'GreaterThanThreshold' | 'LessThanThreshold'
  threshold: number
  /** N of the M of N. */
  evaluationPeriods: number
  /** M of the M of N. */
  datapointsToAlarm: number
  treatMissingData: 'notBreaching' | 'breaching'
  queries: AlarmQuery<T>[]
}

/** What a service's metrics are known by: see dimensionOf in layout.ts. */
export interface Measured<T> {
  loadBalancer: T
  blue?: T
  green: T
}

/** `sluice/<rollout>/<service>/<guardrail>`: none of them has a slash. */
export function alarmName(rollout: string, service: string, guardrail: string): string {
  return `sluice/${rollout}/${service}/${guardrail}`
}

/** What an alarm's name says; undefined for one that is not of this rollout. */
export function partsOfName(
  rollout: string,
  name: string,
): { service: string; guardrail: string } | undefined {
  const [root, owner, service, guardrail, ...more] = name.split('/')
  if (root !== 'sluice' || owner !== rollout || !service || !guardrail || more.length > 0) {
    return undefined
  }
  return { service, guardrail }
}

/** The alarm that says that the hook is not heard of any more. */
export const HEARTBEAT = 'heartbeat'

/**
 * The alarms of a plan: for each service and each of its guardrails that has a metric or a check one,
 * and one more for a `warn`. What the platform does not judge is refused before: see refusals.ts.
 *
 * @param measured by service
 * @param clock how many times faster than real `for` passes, down to one period
 */
export function alarmsOf<T>(
  plan: Plan,
  rollout: string,
  measured: Record<string, Measured<T>>,
  { clock = 1, tick = TICK }: { clock?: number; tick?: number } = {},
): AlarmSpec<T>[] {
  return Object.entries(plan.guardrails).flatMap(([name, guardrail]) =>
    (guardrail.services ?? Object.keys(plan.services)).flatMap((service) => {
      const of = measured[service]
      if (!of) return []
      const base = { rollout, service, name, of, tick, clock }
      if (guardrail.check !== undefined) return [healthAlarm(base)]
      const { metric, above, below, warn } = guardrail
      const threshold = above ?? below
      if (!metric || !threshold) return []
      const own = { ...base, guardrail, metric }
      return [
        metricAlarm(own, name, threshold),
        ...(warn ? [metricAlarm(own, `${name}-warn`, warn)] : []),
      ]
    }),
  )
}

/** The alarm that the hook has not been called for more than two periods. */
export function heartbeatAlarm(rollout: string, tick: number = TICK): AlarmSpec<never> {
  const metric = {
    namespace: OWN_NAMESPACE,
    metricName: 'Heartbeat',
    dimensions: { Rollout: rollout as never },
    stat: 'Sum',
    period: tick,
  }
  return {
    name: `sluice/${rollout}/${HEARTBEAT}`,
    description: `the hook of ${rollout} is not heard of: green is not guarded, and no weight rises`,
    comparison: 'LessThanThreshold',
    threshold: 1,
    evaluationPeriods: 3,
    datapointsToAlarm: 3,
    treatMissingData: 'breaching',
    queries: [{ id: 'h', metric, returnData: true }],
  }
}

interface Own<T> {
  rollout: string
  service: string
  name: string
  of: Measured<T>
  tick: number
  clock: number
}

/** Two periods without one healthy target; no data is none either. */
function healthAlarm<T>({ rollout, service, name, of, tick }: Own<T>): AlarmSpec<T> {
  return {
    name: alarmName(rollout, service, name),
    description: `no target of green of ${service} is healthy`,
    comparison: 'LessThanThreshold',
    threshold: 1,
    evaluationPeriods: 2,
    datapointsToAlarm: 2,
    treatMissingData: 'breaching',
    queries: [
      {
        id: 'h',
        metric: albMetric('HealthyHostCount', 'Minimum', of.green, of, tick),
        returnData: true,
      },
    ],
  }
}

function metricAlarm<T>(
  own: Own<T> & { guardrail: Guardrail; metric: Metric },
  name: string,
  threshold: Threshold,
): AlarmSpec<T> {
  const { rollout, service, of, metric, guardrail, tick, clock } = own
  const isRate = metric === 'error-rate'
  const value = (colour: 'g' | 'b') =>
    isRate ? `(FILL(${colour}e,0)+FILL(${colour}c,0))/${colour}r` : `${colour}p`
  const least = LEAST_FOR[metric] ?? LEAST_REQUESTS
  const enough =
    threshold.kind === 'blue' ? `gr>=${least} AND br>=${LEAST_REQUESTS}` : `gr>=${least}`
  const bound = boundOf(threshold, metric, value('b'))
  // RequestCount is not filled: without answers there is no value, which is no breach.
  const expression =
    threshold.kind === 'absolute'
      ? `IF(${enough},${isRate ? '100*' : ''}${value('g')},0)`
      : `IF(${enough},${value('g')}-${bound},0)`
  const { n, m } = periods(guardrail.for, clock, tick)
  return {
    name: alarmName(rollout, service, name),
    description: `${metric} of green of ${service} above ${formatThreshold(threshold)}`,
    comparison: 'GreaterThanThreshold',
    threshold:
      threshold.kind === 'absolute' ? Number((threshold.value * (isRate ? 100 : 1)).toFixed(6)) : 0,
    evaluationPeriods: n,
    datapointsToAlarm: m,
    treatMissingData: 'notBreaching',
    queries: [
      { id: 'v', expression, label: `${metric} ${service}`, returnData: true },
      ...colourQueries('g', of.green, of, metric, tick),
      ...(threshold.kind === 'blue' && of.blue !== undefined
        ? colourQueries('b', of.blue, of, metric, tick)
        : []),
      ...(threshold.kind === 'baseline' ? [baselineQuery<T>(rollout, service, metric, tick)] : []),
    ],
  }
}

/**
 * Without a `for` one bad period of two: one of one can stay in OK for good where the newest period
 * is late. With one, as many as it holds, of one more.
 */
function periods(forMs: number | undefined, clock: number, tick: number) {
  if (forMs === undefined) return { n: 2, m: 1 }
  const m = Math.max(2, Math.ceil(forMs / clock / 1_000 / tick))
  return { n: m + 1, m }
}

function boundOf(threshold: Threshold, metric: Metric, blue: string): string {
  if (threshold.kind === 'absolute') return String(threshold.value)
  const reference = threshold.kind === 'baseline' ? 'FILL(base,REPEAT)' : `(${blue})`
  const floor = RELATIVE_FLOOR[metric]
  const scaled = `${threshold.factor}*${reference}`
  return `IF(${scaled}>${floor},${scaled},${floor})`
}

function colourQueries<T>(
  prefix: string,
  group: T,
  of: Measured<T>,
  metric: Metric,
  tick: number,
): AlarmQuery<T>[] {
  const query = (id: string, metricName: string, stat: string): AlarmQuery<T> => ({
    id: `${prefix}${id}`,
    metric: albMetric(metricName, stat, group, of, tick),
    returnData: false,
  })
  const requests = query('r', 'RequestCount', 'Sum')
  return metric === 'error-rate'
    ? [
        requests,
        query('e', 'HTTPCode_Target_5XX_Count', 'Sum'),
        // A crashed target answers nothing: the load balancer does, and counts it here.
        query('c', 'TargetConnectionErrorCount', 'Sum'),
      ]
    : [requests, query('p', 'TargetResponseTime', metric)]
}

function baselineQuery<T>(rollout: string, service: string, metric: Metric, period: number) {
  return {
    id: 'base',
    metric: {
      namespace: OWN_NAMESPACE,
      metricName: baselineName(metric),
      dimensions: { Rollout: rollout as T, Service: service as T },
      stat: 'Maximum',
      period,
    },
    returnData: false,
  } satisfies AlarmQuery<T>
}

/** The name under which the hook puts what blue measured before the first step. */
export function baselineName(metric: Metric): string {
  return `Baseline ${metric}`
}

function albMetric<T>(
  metricName: string,
  stat: string,
  group: T,
  { loadBalancer }: Measured<T>,
  period: number,
): AlarmMetric<T> {
  return {
    namespace: NAMESPACE,
    metricName,
    dimensions: { TargetGroup: group, LoadBalancer: loadBalancer },
    stat,
    period,
  }
}
