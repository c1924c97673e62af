import { GetMetricDataCommand } from '@aws-sdk/client-cloudwatch'
import type { CloudWatchMetric } from '../../rollout/schema/aws.ts'
import type { QueryValue } from '../../rollout/steady.ts'
import { messageOf } from '../operations/outcomes.ts'
import type { Clients } from './clients.ts'
import { call } from './failures.ts'

/** CloudWatch is late by some periods; what is older than this is no value of now. */
const PERIODS = 5

/**
 * The newest value of a metric, as a query of the plan would give it. Never throws: no data is a
 * problem, in words.
 * @param tick seconds of a period
 */
export async function latestValue(
  { metrics }: Pick<Clients, 'metrics'>,
  { namespace, metric, dimensions, statistic }: CloudWatchMetric,
  tick: number,
  now: Date,
): Promise<QueryValue> {
  const name = `${namespace} ${metric}`
  const end = (Math.floor(now.getTime() / 1_000 / tick) + 1) * tick
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }))
  const Metric = { Namespace: namespace, MetricName: metric, Dimensions }
  try {
    const { MetricDataResults = [] } = await call(
      'cloudwatch:GetMetricData',
      metrics.send(
        new GetMetricDataCommand({
          StartTime: new Date((end - PERIODS * tick) * 1_000),
          EndTime: new Date(end * 1_000),
          ScanBy: 'TimestampDescending',
          MetricDataQueries: [{ Id: 'q', MetricStat: { Metric, Period: tick, Stat: statistic } }],
        }),
      ),
    )
    const { Timestamps = [], Values = [] } = MetricDataResults[0] ?? {}
    const newest = Timestamps.map((at, index) => ({ at: at.getTime(), value: Values[index] }))
      .toSorted((a, b) => b.at - a.at)
      .find(({ value }) => value !== undefined)
    if (newest?.value === undefined) {
      return { problem: `no data: ${name} has had no value for ${PERIODS * tick} s` }
    }
    return { value: newest.value }
  } catch (error) {
    return { problem: messageOf(error) }
  }
}
