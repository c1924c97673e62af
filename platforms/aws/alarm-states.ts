import {
  type CloudWatchClient,
  DescribeAlarmsCommand,
  type MetricAlarm,
} from '@aws-sdk/client-cloudwatch'
import { actionOf, type Then } from '../../rollout/action.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { Guardrail, Plan } from '../../rollout/plan.ts'
import { formatThreshold, formatValue, type Threshold } from '../../rollout/threshold.ts'
import { alarmsOf, partsOfName } from './alarms.ts'
import { call } from './failures.ts'
import { judgedOnAws } from './levels.ts'

/** What CloudWatch says of the rollout's alarms. */
export interface AlarmStates {
  active: Alarm[]
  /** Why what is said is not the whole: alarms that are gone, or whose actions are off. */
  trouble?: string
}

/**
 * The alarms that are active. An alarm that should be there and is not, or that would call nobody,
 * is trouble: then nothing is known, and what is not known is no pass.
 */
export async function readAlarms(
  cloudwatch: CloudWatchClient,
  rollout: string,
  plan: Plan,
): Promise<AlarmStates> {
  const found: MetricAlarm[] = []
  let NextToken: string | undefined
  do {
    const page = await call(
      'cloudwatch:DescribeAlarms',
      cloudwatch.send(
        new DescribeAlarmsCommand({ AlarmNamePrefix: `sluice/${rollout}/`, NextToken }),
      ),
    )
    found.push(...(page.MetricAlarms ?? []))
    NextToken = page.NextToken
  } while (NextToken)
  const measured = Object.fromEntries(
    Object.keys(plan.services).map((service) => [service, { loadBalancer: '', green: '' }]),
  )
  const expected = alarmsOf(plan, rollout, measured).map(({ name }) => name)
  const missing = expected.filter((name) => !found.some(({ AlarmName }) => AlarmName === name))
  const silent = found.filter(({ ActionsEnabled }) => ActionsEnabled === false)
  const trouble =
    missing.length > 0
      ? `the alarm ${missing.join(', ')} is missing; next: pulumi up --refresh`
      : silent.length > 0
        ? `the actions of the alarm ${silent.map(({ AlarmName }) => AlarmName).join(', ')} are disabled; next: pulumi up --refresh`
        : undefined
  return {
    active: found.flatMap((alarm) => {
      const mapped = alarm.StateValue === 'ALARM' ? mapAlarm(plan, rollout, alarm) : undefined
      return mapped ? [mapped] : []
    }),
    ...(trouble === undefined ? {} : { trouble }),
  }
}

/** What the plan says of an alarm; undefined where it does not know it. */
export function mapAlarm(
  plan: Plan,
  rollout: string,
  alarm: Pick<
    MetricAlarm,
    'AlarmName' | 'StateReasonData' | 'StateTransitionedTimestamp' | 'StateUpdatedTimestamp'
  >,
): Alarm | undefined {
  const parts = partsOfName(rollout, alarm.AlarmName ?? '')
  if (!parts || !Object.hasOwn(plan.services, parts.service)) return undefined
  const guardrails = judgedOnAws(plan)
  const warns = parts.guardrail.endsWith('-warn') && !Object.hasOwn(guardrails, parts.guardrail)
  const name = warns ? parts.guardrail.slice(0, -'-warn'.length) : parts.guardrail
  if (!Object.hasOwn(guardrails, name)) return undefined
  const guardrail = guardrails[name] as Guardrail
  if (warns && guardrail.warn === undefined) return undefined
  const threshold = warns ? guardrail.warn : (guardrail.above ?? guardrail.below)
  const then: Then = warns ? 'notify' : actionOf(guardrail).do
  return {
    guardrail: parts.guardrail,
    service: parts.service,
    value: valueIn(alarm.StateReasonData, guardrail, name, threshold),
    threshold: boundIn(guardrail, threshold),
    // Its update may be one of the evaluation alone.
    since: (
      alarm.StateTransitionedTimestamp ??
      alarm.StateUpdatedTimestamp ??
      new Date()
    ).toISOString(),
    then,
  }
}

function boundIn({ gate }: Guardrail, threshold: Threshold | undefined): string {
  if (gate !== undefined) return `gate ${gate} passes`
  return threshold ? formatThreshold(threshold) : 'a healthy target'
}

/** The worst of the datapoints that CloudWatch gives as its reason. */
function valueIn(
  reasonData: string | undefined,
  { metric, query, gate, above }: Guardrail,
  name: string,
  threshold: Threshold | undefined,
): string {
  if (gate !== undefined) return `gate ${gate} failed`
  const points = pointsIn(reasonData)
  const counted = metric === undefined && query === undefined
  if (points.length === 0) return counted ? 'none is healthy' : 'not given'
  if (counted) return `${Math.min(...points)} healthy`
  const worst = Number((above ? Math.max(...points) : Math.min(...points)).toPrecision(3))
  if (metric === undefined) {
    const unit = threshold?.kind === 'absolute' ? threshold.unit : 'number'
    return `${name} ${formatValue(worst, unit)}`
  }
  if (metric === 'availability') return `availability ${formatValue(worst, 'ratio')}`
  if (metric === 'throughput') return `throughput ${Math.abs(worst)}/s below it`
  if (threshold?.kind !== 'absolute') return `${metric.replace('-', ' ')} ${worst} above it`
  return metric === 'error-rate' ? `error rate ${worst}%` : `${metric} ${worst}s`
}

function pointsIn(reasonData: string | undefined): number[] {
  try {
    const { recentDatapoints = [] } = JSON.parse(reasonData ?? '{}') as {
      recentDatapoints?: (number | null)[]
    }
    return recentDatapoints.filter((point) => typeof point === 'number')
  } catch {
    // What CloudWatch says for people is no part of the decision.
    return []
  }
}
