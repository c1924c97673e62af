import type { Guardrail } from '../../rollout/plan.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'
import {
  type AlarmQuery,
  type AlarmSpec,
  alarmName,
  albMetric,
  OWN_NAMESPACE,
  type Own,
  ownMetric,
  periods,
  WEIGHT,
} from './alarm-spec.ts'
import { baselineQuery } from './answer-alarm.ts'
import { TICK } from './reference.ts'

/** Alarms of whether somebody is there: targets, answers at all, the hook itself. */

/** The alarm that says that the hook is not heard of any more. */
export const HEARTBEAT = 'heartbeat'

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

/** Two periods without one healthy target; no data is none either. */
export function healthAlarm<T>({ rollout, service, name, of, tick }: Own<T>): AlarmSpec<T> {
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

/** The share of green's targets that are healthy. Of blue's, which was there, it is the whole. */
export function availabilityAlarm<T>(
  own: Own<T> & { guardrail: Guardrail },
  name: string,
  threshold: Threshold,
): AlarmSpec<T> {
  const { rollout, service, of, guardrail, tick, clock } = own
  const hosts = (id: string, metricName: string): AlarmQuery<T> => ({
    id,
    metric: albMetric(metricName, 'Average', of.green, of, tick),
    returnData: false,
  })
  const { n, m } = periods(guardrail.for, clock, tick)
  return {
    name: alarmName(rollout, service, name),
    description: `availability of green of ${service} below ${formatThreshold(threshold)}`,
    comparison: 'LessThanThreshold',
    threshold: threshold.kind === 'absolute' ? threshold.value : threshold.factor,
    evaluationPeriods: n,
    datapointsToAlarm: m,
    treatMissingData: 'notBreaching',
    queries: [
      {
        id: 'v',
        expression: 'IF(FILL(w,REPEAT)>0,h/(h+u),1)',
        label: `availability ${service}`,
        returnData: true,
      },
      hosts('h', 'HealthyHostCount'),
      hosts('u', 'UnHealthyHostCount'),
      weightQuery('w', own),
    ],
  }
}

/**
 * Green's answers a second. Here few answers are the point, so RequestCount is filled; a period that
 * comes late would look the same, so that one period alone is never enough.
 */
export function throughputAlarm<T>(
  own: Own<T> & { guardrail: Guardrail },
  name: string,
  threshold: Threshold,
): AlarmSpec<T> {
  const { rollout, service, of, guardrail, tick, clock } = own
  const requests = (id: string, group: T): AlarmQuery<T> => ({
    id,
    metric: albMetric('RequestCount', 'Sum', group, of, tick),
    returnData: false,
  })
  const green = `FILL(gr,0)/${tick}`
  // What the service did before, or does now, green is to do of its share.
  const whole = threshold.kind === 'blue' ? `(FILL(gr,0)+FILL(br,0))/${tick}` : 'FILL(base,REPEAT)'
  const bound =
    threshold.kind === 'absolute'
      ? String(threshold.value)
      : `${threshold.factor}*${whole}*FILL(w,REPEAT)/100`
  const { n, m } = periods(guardrail.for ?? 0, clock, tick)
  return {
    name: alarmName(rollout, service, name),
    description: `throughput of green of ${service} below ${formatThreshold(threshold)}`,
    comparison: 'LessThanThreshold',
    threshold: 0,
    evaluationPeriods: n,
    datapointsToAlarm: m,
    treatMissingData: 'notBreaching',
    queries: [
      {
        id: 'v',
        expression: `IF(FILL(w,REPEAT)>0,${green}-${bound},0)`,
        label: `throughput ${service}`,
        returnData: true,
      },
      requests('gr', of.green),
      ...(threshold.kind === 'blue' && of.blue !== undefined ? [requests('br', of.blue)] : []),
      ...(threshold.kind === 'baseline' ? [baselineQuery<T>(own, 'throughput')] : []),
      weightQuery('w', own),
    ],
  }
}

/** Green's percent over a period, the least of it: what came at a former weight counts for nothing. */
export function weightQuery<T>(
  id: string,
  own: Pick<Own<T>, 'rollout' | 'service' | 'tick'>,
): AlarmQuery<T> {
  return { id, metric: ownMetric(WEIGHT, 'Minimum', own, own.tick), returnData: false }
}
