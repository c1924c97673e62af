import * as cloudwatch from '@pulumi/aws/cloudwatch/metricAlarm.js'
import * as pulumi from '@pulumi/pulumi'
import {
  type AlarmSpec,
  alarmsOf,
  heartbeatAlarm,
  type Measured,
} from '../../platforms/aws/alarms.ts'
import { dimensionOf } from '../../platforms/aws/layout.ts'
import type { Plan } from '../../rollout/plan.ts'
import type { RollbackHook } from './hook.ts'

export interface GuardArgs {
  clock: number
  tick: number
  hook: RollbackHook
  opts: pulumi.CustomResourceOptions
}

/**
 * The alarms of the plan's guardrails, each of which calls the hook itself, and the alarm that calls
 * people where the hook is not heard of.
 */
export function declareAlarms(
  plan: Plan,
  rollout: string,
  services: Record<
    string,
    { listener: string; blue?: pulumi.Input<string>; green: pulumi.Input<string> }
  >,
  { clock, tick, hook, opts }: GuardArgs,
): void {
  const measured: Record<string, Measured<pulumi.Input<string>>> = Object.fromEntries(
    Object.entries(services).map(([name, { listener, blue, green }]) => [
      name,
      {
        loadBalancer: dimensionOf(listener),
        ...(blue === undefined ? {} : { blue: pulumi.output(blue).apply(dimensionOf) }),
        green: pulumi.output(green).apply(dimensionOf),
      },
    ]),
  )
  for (const spec of alarmsOf(plan, rollout, measured, { clock, tick })) {
    declareAlarm(spec, [hook.function.arn], opts)
  }
  declareAlarm(heartbeatAlarm(rollout, tick), [hook.topic.arn], opts)
}

function declareAlarm(
  spec: AlarmSpec<pulumi.Input<string>>,
  alarmActions: pulumi.Input<string>[],
  opts: pulumi.CustomResourceOptions,
): void {
  const [, , ...rest] = spec.name.split('/')
  new cloudwatch.MetricAlarm(
    `alarm-${rest.join('-')}`,
    {
      name: spec.name,
      alarmDescription: spec.description,
      comparisonOperator: spec.comparison,
      threshold: spec.threshold,
      evaluationPeriods: spec.evaluationPeriods,
      datapointsToAlarm: spec.datapointsToAlarm,
      treatMissingData: spec.treatMissingData,
      actionsEnabled: true,
      alarmActions,
      metricQueries: spec.queries.map(({ id, label, expression, metric, returnData }) => ({
        id,
        ...(label === undefined ? {} : { label }),
        ...(expression === undefined ? {} : { expression }),
        ...(metric === undefined ? {} : { metric }),
        returnData,
      })),
    },
    opts,
  )
}
