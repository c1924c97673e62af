import { randomUUID } from 'node:crypto'
import type { Change } from './cloudwatch-harness.ts'

/** The events as AWS' documents show them. */

const ACCOUNT = '123456789012'

function state(value: string, at: Date, reasonData?: string) {
  return {
    value,
    reason: 'Threshold Crossed',
    timestamp: at.toISOString().replace('Z', '+0000'),
    ...(reasonData === undefined ? {} : { reasonData }),
  }
}

/** What an alarm's Lambda action is called with. */
export function alarmEvent({ alarm, from, to, reasonData, at }: Change) {
  return {
    source: 'aws.cloudwatch',
    alarmArn: alarm.AlarmArn,
    accountId: ACCOUNT,
    time: at.toISOString().replace('Z', '+0000'),
    region: regionOf(alarm.AlarmArn),
    alarmData: {
      alarmName: alarm.AlarmName,
      state: state(to, at, reasonData),
      previousState: state(from, at),
      configuration: { metrics: alarm.Metrics },
    },
  }
}

/** The same change as EventBridge tells it. */
export function bridgeEvent({ alarm, from, to, reasonData, at }: Change) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'CloudWatch Alarm State Change',
    source: 'aws.cloudwatch',
    account: ACCOUNT,
    time: at.toISOString(),
    region: regionOf(alarm.AlarmArn),
    resources: [alarm.AlarmArn],
    detail: {
      alarmName: alarm.AlarmName,
      state: state(to, at, reasonData),
      previousState: state(from, at),
      configuration: { metrics: alarm.Metrics },
    },
  }
}

/** The same change as an alarm's SNS action tells a topic: the text of its message. */
export function alarmMessage({ alarm, from, to, at }: Change): string {
  return JSON.stringify({
    AlarmName: alarm.AlarmName,
    AlarmDescription: alarm.AlarmDescription,
    AWSAccountId: ACCOUNT,
    NewStateValue: to,
    NewStateReason: 'Threshold Crossed',
    StateChangeTime: at.toISOString().replace('Z', '+0000'),
    Region: regionOf(alarm.AlarmArn),
    AlarmArn: alarm.AlarmArn,
    OldStateValue: from,
    Trigger: { Period: 60 },
  })
}

export function scheduledEvent(rule: string) {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'Scheduled Event',
    source: 'aws.events',
    account: ACCOUNT,
    time: new Date().toISOString(),
    resources: [`arn:aws:events:us-east-1:${ACCOUNT}:rule/${rule}`],
    detail: {},
  }
}

/** EventBridge's patterns, as far as the rollout's rules use them: lists of values, and prefixes. */
export function matches(pattern: unknown, value: unknown): boolean {
  if (Array.isArray(pattern)) {
    return pattern.some((one) => {
      if (typeof one !== 'object' || one === null) return one === value
      const { prefix } = one as { prefix?: string }
      if (prefix === undefined)
        throw new Error(`a pattern that is not known: ${JSON.stringify(one)}`)
      return typeof value === 'string' && value.startsWith(prefix)
    })
  }
  return Object.entries(pattern as object).every(([key, inner]) =>
    matches(inner, (value as Record<string, unknown> | undefined)?.[key]),
  )
}

function regionOf(arn: string | undefined): string | undefined {
  return arn?.split(':')[3]
}
