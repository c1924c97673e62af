import type { Guardrail } from '../../rollout/plan.ts'
import type { CloudWatchMetric } from '../../rollout/schema/aws.ts'
import { formatThreshold, type Threshold } from '../../rollout/threshold.ts'
import {
  type AlarmSpec,
  alarmName,
  gateMetricName,
  type Own,
  ownMetric,
  periods,
} from './alarm-spec.ts'
import { weightQuery } from './presence-alarms.ts'

/** Alarms of what others put: the hook's verdict on a gate, and metrics of the account's own. */

/**
 * A gate that is judged again and again. The hook puts what came of it; between two verdicts, and
 * after one that is inconclusive, nothing is put and the alarm stays as it is.
 */
export function gateAlarm<T>(own: Own<T>, gate: string): AlarmSpec<T> {
  const { rollout, service, name, tick } = own
  return {
    name: alarmName(rollout, service, name),
    description: `gate ${gate} fails for green of ${service}`,
    comparison: 'GreaterThanThreshold',
    threshold: 0,
    evaluationPeriods: 1,
    datapointsToAlarm: 1,
    treatMissingData: 'ignore',
    queries: [
      {
        id: 'v',
        metric: ownMetric(gateMetricName(name), 'Maximum', own, tick),
        returnData: true,
      },
    ],
  }
}

/**
 * A metric that stands for a query, while one of the services that it is about has green; else the
 * threshold itself stands for it, which is no breach.
 */
export function queryAlarm<T>(
  own: Own<T> & { guardrail: Guardrail; services: string[]; metric: CloudWatchMetric },
  name: string,
  threshold: Extract<Threshold, { kind: 'absolute' }>,
): AlarmSpec<T> {
  const { rollout, service, services, guardrail, metric, tick, clock } = own
  const isAbove = guardrail.above !== undefined
  const weights = services.map((_one, index) => `FILL(w${index},REPEAT)`)
  const { n, m } = periods(guardrail.for, clock, tick)
  return {
    name: alarmName(rollout, service, name),
    description: `${metric.metric} ${isAbove ? 'above' : 'below'} ${formatThreshold(threshold)}`,
    comparison: isAbove ? 'GreaterThanThreshold' : 'LessThanThreshold',
    threshold: threshold.value,
    evaluationPeriods: n,
    datapointsToAlarm: m,
    treatMissingData: 'notBreaching',
    queries: [
      {
        id: 'v',
        expression: `IF(${weights.join('+')}>0,q,${threshold.value})`,
        label: name,
        returnData: true,
      },
      {
        id: 'q',
        metric: {
          namespace: metric.namespace,
          metricName: metric.metric,
          dimensions: metric.dimensions as Record<string, T>,
          stat: metric.statistic,
          period: tick,
        },
        returnData: false,
      },
      ...services.map((one, index) => weightQuery<T>(`w${index}`, { rollout, service: one, tick })),
    ],
  }
}
