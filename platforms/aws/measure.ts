import {
  type CloudWatchClient,
  GetMetricDataCommand,
  type MetricDataQuery,
} from '@aws-sdk/client-cloudwatch'
import type { Measurement } from '../../rollout/journal.ts'
import type { ColourName } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import type { AwsReference } from '../reference.ts'
import type { Clients } from './clients.ts'
import { call } from './failures.ts'
import { type AwsLayout, dimensionOf } from './layout.ts'
import { TICK } from './reference.ts'

export const NAMESPACE = 'AWS/ApplicationELB'
/** Counted whole, and cut to seconds where CloudWatch would round the other way. */
const PERIODS = 1_440
/** Seconds; CloudWatch takes no longer period than a day. */
const LONGEST_PERIOD = 86_400

/** The dimensions of a target group's metrics. */
export interface MeasuredGroup {
  targetGroup: string
  loadBalancer: string
}

/**
 * What a target group answered between two moments, by CloudWatch. A period counts where it lies
 * within them whole or in part: an ALB's are of 60 seconds.
 *
 * Errors are the targets' 5xx and the connections that came to nothing: a crashed target answers no
 * 5xx of its own, the load balancer does in its place.
 */
export async function measureGroup(
  cloudwatch: CloudWatchClient,
  { targetGroup, loadBalancer }: MeasuredGroup,
  from: Date,
  to: Date,
  tick: number,
): Promise<Measurement> {
  // A move that was written while this was on its way begins after it; CloudWatch knows no empty time.
  if (to <= from) return { requests: 0, errors: 0 }
  const seconds = tick * Math.ceil((to.getTime() - from.getTime()) / 1_000 / tick / PERIODS)
  const start = floorTo(from, tick)
  const end = new Date(floorTo(to, tick).getTime() + tick * 1_000)
  const whole = Math.max(tick, Math.round((end.getTime() - start.getTime()) / 1_000))
  const longest = Math.min(whole, LONGEST_PERIOD)
  const query = (
    Id: string,
    MetricName: string,
    Stat: string,
    Period: number,
  ): MetricDataQuery => ({
    Id,
    MetricStat: {
      Metric: {
        Namespace: NAMESPACE,
        MetricName,
        Dimensions: [
          { Name: 'TargetGroup', Value: targetGroup },
          { Name: 'LoadBalancer', Value: loadBalancer },
        ],
      },
      Period,
      Stat,
    },
  })
  const { MetricDataResults = [] } = await call(
    'cloudwatch:GetMetricData',
    cloudwatch.send(
      new GetMetricDataCommand({
        StartTime: start,
        EndTime: end,
        MetricDataQueries: [
          query('requests', 'RequestCount', 'Sum', seconds),
          query('errors', 'HTTPCode_Target_5XX_Count', 'Sum', seconds),
          query('unconnected', 'TargetConnectionErrorCount', 'Sum', seconds),
          // A percentile of percentiles is none: these are asked for over the whole, or each day of it.
          query('p50', 'TargetResponseTime', 'p50', longest),
          query('p95', 'TargetResponseTime', 'p95', longest),
          query('p99', 'TargetResponseTime', 'p99', longest),
        ],
      }),
    ),
  )
  const values = (id: string) => MetricDataResults.find(({ Id }) => Id === id)?.Values ?? []
  const sum = (id: string) => values(id).reduce((total, value) => total + value, 0)
  const requests = sum('requests')
  const errors = Math.min(sum('errors') + sum('unconnected'), Math.max(requests, sum('errors')))
  const worst = (id: string) => (values(id).length > 0 ? Math.max(...values(id)) : undefined)
  return {
    requests,
    errors,
    ...(requests > 0 ? { p50: worst('p50'), p95: worst('p95'), p99: worst('p99') } : {}),
  }
}

/** What one colour of a service answered between two moments; the rate is of both colours together. */
export async function measureService(
  { metrics }: Pick<Clients, 'metrics'>,
  layout: AwsLayout,
  { tick = TICK }: Pick<AwsReference, 'tick'>,
  { service, colour, from, to }: { service: string; colour: ColourName; from: Date; to: Date },
): Promise<Measurement> {
  const groups = layout.services[service]
  if (!groups) throw new Refused(`"${service}" is no service of this rollout`)
  const loadBalancer = dimensionOf(groups.listener)
  const of = async (group: string | undefined) =>
    group === undefined
      ? undefined
      : measureGroup(metrics, { targetGroup: dimensionOf(group), loadBalancer }, from, to, tick)
  const [own, other] = await Promise.all([
    of(groups[colour]),
    of(groups[colour === 'green' ? 'blue' : 'green']),
  ])
  if (!own) return { requests: 0, errors: 0 }
  const answers = own.requests + (other?.requests ?? 0)
  if (answers === 0) return own
  return { ...own, rate: (answers * 1_000) / (to.getTime() - from.getTime()) }
}

function floorTo(at: Date, seconds: number): Date {
  return new Date(Math.floor(at.getTime() / 1_000 / seconds) * seconds * 1_000)
}
