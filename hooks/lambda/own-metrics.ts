import { type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { baselineName, OWN_NAMESPACE } from '../../platforms/aws/alarms.ts'
import { call } from '../../platforms/aws/failures.ts'
import { measuredValue } from '../../rollout/guardrail.ts'
import type { Journal } from '../../rollout/journal.ts'
import { METRICS } from '../../rollout/schema/guardrail.ts'
import type { LambdaParts } from './hook.ts'

/** Puts the heartbeat, and the baselines that alarms hold green against. */
export async function beatMetrics(
  { clients, reference }: Pick<LambdaParts, 'clients' | 'reference'>,
  journal: Journal | undefined,
): Promise<void> {
  const Timestamp = new Date()
  const rollout = { Name: 'Rollout', Value: reference.name }
  const data: MetricDatum[] = [
    { MetricName: 'Heartbeat', Dimensions: [rollout], Value: 1, Timestamp },
    ...Object.entries(journal?.baselines ?? {}).flatMap(([service, baseline]) =>
      METRICS.flatMap((metric) => {
        const Value = measuredValue(metric, baseline)
        if (Value === undefined) return []
        const Dimensions = [rollout, { Name: 'Service', Value: service }]
        return [{ MetricName: baselineName(metric), Dimensions, Value, Timestamp }]
      }),
    ),
  ]
  await call(
    'cloudwatch:PutMetricData',
    clients.metrics.send(new PutMetricDataCommand({ Namespace: OWN_NAMESPACE, MetricData: data })),
  )
}
