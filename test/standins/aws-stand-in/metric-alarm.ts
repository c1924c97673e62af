import {
  CloudWatchClient,
  DeleteAlarmsCommand,
  DescribeAlarmsCommand,
  PutMetricAlarmCommand,
} from '@aws-sdk/client-cloudwatch'
import type { Props, ResourceType } from '../../../provider/protocol.ts'

const cloudwatch = new CloudWatchClient({})

interface Query {
  id: string
  label?: string
  expression?: string
  returnData?: boolean
  metric?: {
    namespace: string
    metricName: string
    stat: string
    period: number
    dimensions: Record<string, string>
  }
}

export const metricAlarm: ResourceType = {
  computed: ['arn'],
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    const arn = await put(inputs)
    return { id: String(inputs['name']), outputs: { ...inputs, arn } }
  },
  async update(_ctx, _id, _olds, news) {
    return { ...news, arn: await put(news) }
  },
  async read(_ctx, id, olds) {
    const { MetricAlarms = [] } = await cloudwatch.send(
      new DescribeAlarmsCommand({ AlarmNames: [id] }),
    )
    if (MetricAlarms.length === 0) return undefined
    return { outputs: { ...olds, actionsEnabled: MetricAlarms[0]?.ActionsEnabled } }
  },
  async delete(_ctx, id) {
    await cloudwatch.send(new DeleteAlarmsCommand({ AlarmNames: [id] }))
  },
}

async function put(inputs: Props): Promise<string> {
  const name = String(inputs['name'])
  await cloudwatch.send(
    new PutMetricAlarmCommand({
      AlarmName: name,
      AlarmDescription: inputs['alarmDescription'] as string,
      ComparisonOperator: inputs['comparisonOperator'] as 'GreaterThanThreshold',
      Threshold: Number(inputs['threshold']),
      EvaluationPeriods: Number(inputs['evaluationPeriods']),
      DatapointsToAlarm: Number(inputs['datapointsToAlarm']),
      TreatMissingData: String(inputs['treatMissingData']),
      ActionsEnabled: inputs['actionsEnabled'] as boolean,
      AlarmActions: inputs['alarmActions'] as string[],
      Metrics: (inputs['metricQueries'] as Query[]).map((query) => ({
        Id: query.id,
        Label: query.label,
        Expression: query.expression,
        ReturnData: query.returnData ?? false,
        ...(query.metric
          ? {
              MetricStat: {
                Stat: query.metric.stat,
                Period: query.metric.period,
                Metric: {
                  Namespace: query.metric.namespace,
                  MetricName: query.metric.metricName,
                  Dimensions: Object.entries(query.metric.dimensions).map(([Name, Value]) => ({
                    Name,
                    Value,
                  })),
                },
              },
            }
          : {}),
      })),
    }),
  )
  const { MetricAlarms = [] } = await cloudwatch.send(
    new DescribeAlarmsCommand({ AlarmNames: [name] }),
  )
  return MetricAlarms[0]?.AlarmArn ?? ''
}
