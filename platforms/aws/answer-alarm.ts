import { RELATIVE_FLOOR } from '../../rollout/guardrail.ts'
import type { Guardrail, Metric } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'
import {
  type AlarmQuery,
  type AlarmSpec,
  alarmName,
  albMetric,
  type Measured,
  type Own,
  ownMetric,
  periods,
} from './alarm-spec.ts'

/** Fewer answers in a period are chance. */
const LEAST_REQUESTS = 20
/** Of a quantile so many are needed for its tail to be one. */
const LEAST_FOR: Partial<Record<Metric, number>> = { p95: 200, p99: 1_000 }

/** The alarm of an error rate or a latency: of what green answered, where it answered enough. */
export function answerAlarm<T>(
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
      ...(threshold.kind === 'baseline' ? [baselineQuery<T>(own, metric)] : []),
    ],
  }
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

/** What blue measured before the first step, as the hook puts it. */
export function baselineQuery<T>(
  own: Pick<Own<T>, 'rollout' | 'service' | 'tick'>,
  metric: Metric,
): AlarmQuery<T> {
  return {
    id: 'base',
    metric: ownMetric(baselineName(metric), 'Maximum', own, own.tick),
    returnData: false,
  }
}

/** The name under which the hook puts what blue measured before the first step. */
export function baselineName(metric: Metric): string {
  return `Baseline ${metric}`
}
