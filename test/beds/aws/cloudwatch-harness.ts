import {
  type CloudWatchClient,
  DescribeAlarmsCommand,
  type Dimension,
  GetMetricDataCommand,
  type MetricAlarm,
  type MetricDataQuery,
  type MetricDatum,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch'
import { dimensionOf } from '../../../platforms/aws/layout.ts'
import { NAMESPACE } from '../../../platforms/aws/measure.ts'
import { evaluate, type Judge, rangeOf, type Series, stateOf } from './alarm-math.ts'
import type { Answered } from './balancer-harness.ts'

/** An alarm that has changed its state. */
export interface Change {
  alarm: MetricAlarm
  from: string
  to: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA'
  reasonData: string
  at: Date
}

interface Group {
  requests: number
  errors: number
  unconnected: number
  seconds: Map<number, number>
}

/**
 * What moto lacks of CloudWatch: an ALB that puts its metrics, and the evaluation of the stored
 * alarms, each tick. A stand-in: see alarm-math.ts for what it knows.
 */
export class CloudWatchHarness {
  readonly #client: CloudWatchClient
  readonly #tick: number
  readonly #loadBalancer: string
  readonly #counted = new Map<number, Map<string, Group>>()
  /** By metric: so many ticks later than the others it comes. */
  readonly late: Record<string, number> = {}
  /** By alarm: when it was judged last. */
  readonly #judgedAt = new Map<string, number>()
  #waiting: { at: number; data: MetricDatum[] }[] = []

  constructor(client: CloudWatchClient, loadBalancer: string, tick: number) {
    this.#client = client
    this.#tick = tick
    this.#loadBalancer = loadBalancer
  }

  count({ group, status, seconds, unconnected }: Answered): void {
    const period = this.#period(Date.now())
    const groups = this.#counted.get(period) ?? new Map<string, Group>()
    this.#counted.set(period, groups)
    const own = groups.get(group) ?? newGroup()
    groups.set(group, own)
    own.requests++
    if (unconnected) own.unconnected++
    else if (status >= 500) own.errors++
    own.seconds.set(seconds, (own.seconds.get(seconds) ?? 0) + 1)
  }

  /** Puts what whole periods have counted; a period without traffic has no datapoint. */
  async put(hosts: { group: string; healthy: number; ill: number }[], now = Date.now()) {
    const current = this.#period(now)
    const due = [...this.#counted].filter(([period]) => period < current)
    for (const [period, groups] of due) {
      this.#counted.delete(period)
      for (const [group, counted] of groups) this.#enqueue(period, this.#dataOf(group, counted))
    }
    const health = hosts.flatMap(({ group, healthy, ill }) => [
      this.#datum(group, 'HealthyHostCount', healthy),
      this.#datum(group, 'UnHealthyHostCount', ill),
    ])
    this.#enqueue(current - this.#tick * 1_000, health)
    const ready = this.#waiting.filter(({ at }) => at <= now)
    this.#waiting = this.#waiting.filter(({ at }) => at > now)
    const data = ready.flatMap((one) => one.data)
    for (let from = 0; from < data.length; from += 100) {
      await this.#client.send(
        new PutMetricDataCommand({
          Namespace: NAMESPACE,
          MetricData: data.slice(from, from + 100),
        }),
      )
    }
  }

  #enqueue(period: number, data: MetricDatum[]): void {
    const now = Date.now()
    for (const datum of data) {
      const late = (this.late[datum.MetricName ?? ''] ?? 0) * this.#tick * 1_000
      const at = late === 0 ? 0 : now + late
      this.#waiting.push({ at, data: [{ ...datum, Timestamp: new Date(period) }] })
    }
  }

  #dataOf(group: string, { requests, errors, unconnected, seconds }: Group): MetricDatum[] {
    const sum = (name: string, value: number) =>
      value > 0 ? [this.#datum(group, name, value)] : []
    return [
      ...sum('RequestCount', requests),
      ...sum('HTTPCode_Target_5XX_Count', errors),
      ...sum('TargetConnectionErrorCount', unconnected),
      {
        ...this.#datum(group, 'TargetResponseTime', 0),
        Value: undefined,
        Values: quantilesOf(seconds),
      },
    ]
  }

  #datum(group: string, MetricName: string, Value: number): MetricDatum {
    const Dimensions = [
      { Name: 'TargetGroup', Value: dimensionOf(group) },
      { Name: 'LoadBalancer', Value: dimensionOf(this.#loadBalancer) },
    ]
    return { MetricName, Dimensions, Value }
  }

  /** Judges every stored alarm over the periods that are whole, and stores its state. */
  async judge(now = Date.now()): Promise<Change[]> {
    const { MetricAlarms = [] } = await this.#client.send(new DescribeAlarmsCommand({}))
    const changes: Change[] = []
    for (const alarm of MetricAlarms) {
      // As CloudWatch does, each some times in its period, and not all the time.
      const name = alarm.AlarmName ?? ''
      const every = ((periodOf(queriesOf(alarm)) ?? this.#tick) * 1_000) / LOOKS_IN_A_PERIOD
      if (now - (this.#judgedAt.get(name) ?? 0) < every) continue
      this.#judgedAt.set(name, now)
      const judge: Judge = {
        comparison: alarm.ComparisonOperator ?? '',
        threshold: alarm.Threshold ?? 0,
        evaluationPeriods: alarm.EvaluationPeriods ?? 1,
        datapointsToAlarm: alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods ?? 1,
        treatMissingData: alarm.TreatMissingData ?? 'missing',
      }
      const newestFirst = await this.#datapoints(alarm, judge, now)
      const from = alarm.StateValue ?? 'INSUFFICIENT_DATA'
      const to = stateOf(judge, newestFirst, from)
      if (to === from) continue
      const reasonData = JSON.stringify({
        version: '1.0',
        recentDatapoints: newestFirst.slice(0, judge.evaluationPeriods).map((one) => one ?? null),
        threshold: judge.threshold,
      })
      await this.#client.send(
        new SetAlarmStateCommand({
          AlarmName: alarm.AlarmName,
          StateValue: to,
          StateReason: `judged by the harness: ${from} to ${to}`,
          StateReasonData: reasonData,
        }),
      )
      changes.push({ alarm, from, to, reasonData, at: new Date() })
    }
    return changes
  }

  async #datapoints(
    alarm: MetricAlarm,
    judge: Judge,
    now: number,
  ): Promise<(number | undefined)[]> {
    const queries = queriesOf(alarm)
    const period = (periodOf(queries) ?? this.#tick) * 1_000
    const newest = Math.floor(now / period) * period - period
    const times = Array.from({ length: rangeOf(judge) }, (_, index) => newest - index * period)
    const asked = queries.filter(({ MetricStat }) => MetricStat)
    const { MetricDataResults = [] } = await this.#client.send(
      new GetMetricDataCommand({
        StartTime: new Date(times.at(-1) as number),
        EndTime: new Date(newest + period),
        MetricDataQueries: asked.map((query) => ({ ...query, ReturnData: true })),
      }),
    )
    const series: Record<string, Series> = Object.fromEntries(
      asked.map(({ Id = '' }) => {
        const found = MetricDataResults.find((result) => result.Id === Id)
        const entries = (found?.Timestamps ?? []).map(
          (at, index) => [at.getTime(), found?.Values?.[index] as number] as const,
        )
        return [Id, new Map(entries)]
      }),
    )
    const returned = queries.find(({ ReturnData }) => ReturnData !== false) as MetricDataQuery
    const values = returned.Expression
      ? evaluate(returned.Expression, series, times)
      : (series[returned.Id ?? ''] as Series)
    return times.map((time) => values.get(time))
  }

  #period(at: number): number {
    return Math.floor(at / 1_000 / this.#tick) * this.#tick * 1_000
  }
}

/** moto keeps each value for itself and looks at all of them in every question: a few stand for all. */
function quantilesOf(seconds: Map<number, number>): number[] {
  const all = [...seconds].flatMap(([value, count]) => Array<number>(count).fill(value))
  const sorted = all.toSorted((a, b) => a - b)
  if (sorted.length <= QUANTILES) return sorted
  return Array.from(
    { length: QUANTILES },
    (_, n) => sorted[Math.floor(((n + 0.5) / QUANTILES) * sorted.length)] as number,
  )
}

/** The tenth of ten lies at 95 %, so that a p95 of few values and one of many are the same. */
const QUANTILES = 10
const LOOKS_IN_A_PERIOD = 4

function newGroup(): Group {
  return { requests: 0, errors: 0, unconnected: 0, seconds: new Map() }
}

function queriesOf(alarm: MetricAlarm): MetricDataQuery[] {
  if (alarm.Metrics && alarm.Metrics.length > 0) return alarm.Metrics
  const { Namespace, MetricName, Period = 60, Dimensions } = alarm
  const Metric = { Namespace, MetricName, Dimensions: Dimensions as Dimension[] }
  const Stat = alarm.Statistic ?? alarm.ExtendedStatistic
  return [{ Id: 'm', MetricStat: { Metric, Period, Stat }, ReturnData: true }]
}

function periodOf(queries: MetricDataQuery[]): number | undefined {
  return queries.find(({ MetricStat }) => MetricStat)?.MetricStat?.Period
}
