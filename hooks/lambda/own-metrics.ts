import { type MetricDatum, PutMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import { gateMetricName, OWN_NAMESPACE, WEIGHT } from '../../platforms/aws/alarm-spec.ts'
import { baselineName } from '../../platforms/aws/answer-alarm.ts'
import { call } from '../../platforms/aws/failures.ts'
import { measuredValue } from '../../rollout/guardrail.ts'
import type { Journal } from '../../rollout/journal.ts'
import { METRICS } from '../../rollout/schema/guardrail.ts'
import { greenOf } from '../../rollout/weights.ts'
import { watchedNow } from '../gates/judge-guardrail.ts'
import type { LambdaParts } from './hook.ts'

type Parts = Pick<LambdaParts, 'clients' | 'reference'>

/**
 * Puts the heartbeat, and what alarms hold green against: its weights, the baselines, and that a gate
 * of a guardrail fails for nobody where no green is judged.
 */
export async function beatMetrics(
  { clients, reference, world }: Pick<LambdaParts, 'clients' | 'reference' | 'world'>,
  journal: Journal | undefined,
): Promise<void> {
  const { plan } = world.charge
  await put({ clients, reference }, [
    { MetricName: 'Heartbeat', Value: 1 },
    ...Object.keys(plan.services).map((service) => ({
      MetricName: WEIGHT,
      service,
      Value: greenOf(world.weights, service),
    })),
    ...Object.entries(journal?.baselines ?? {}).flatMap(([service, baseline]) =>
      METRICS.flatMap((metric) => {
        const Value = measuredValue(metric, baseline)
        return Value === undefined ? [] : [{ MetricName: baselineName(metric), service, Value }]
      }),
    ),
    ...Object.entries(plan.guardrails).flatMap(([name, guardrail]) =>
      guardrail.gate === undefined
        ? []
        : watchedNow(world, guardrail).unjudged.map((service) => ({
            MetricName: gateMetricName(name),
            service,
            Value: 0,
          })),
    ),
  ])
}

/** Puts for which services the gate of a guardrail failed, and for which it passed. */
export async function putVerdicts(
  parts: Parts,
  guardrail: string,
  { failed, passed }: { failed: string[]; passed: string[] },
): Promise<void> {
  const MetricName = gateMetricName(guardrail)
  await put(parts, [
    ...failed.map((service) => ({ MetricName, service, Value: 1 })),
    ...passed.map((service) => ({ MetricName, service, Value: 0 })),
  ])
}

type Datum = Pick<MetricDatum, 'MetricName' | 'Value'> & { service?: string }

async function put({ clients, reference }: Parts, data: Datum[]): Promise<void> {
  if (data.length === 0) return
  const Timestamp = new Date()
  const rollout = { Name: 'Rollout', Value: reference.name }
  const MetricData = data.map(({ service, ...datum }) => ({
    ...datum,
    Timestamp,
    Dimensions: service === undefined ? [rollout] : [rollout, { Name: 'Service', Value: service }],
  }))
  await call(
    'cloudwatch:PutMetricData',
    clients.metrics.send(new PutMetricDataCommand({ Namespace: OWN_NAMESPACE, MetricData })),
  )
}
