import { z } from 'zod'
import type { RolloutEvent } from '../../platforms/store.ts'
import { newsOnTopic } from './topic.ts'

/** What the function was called for. */
export type Call =
  | {
      kind: 'alarm'
      /** The alarm's name, which says of which rollout, service and guardrail it is. */
      name: string
      state: 'ALARM' | 'OK' | 'INSUFFICIENT_DATA'
      /** CloudWatch's reason as data, JSON. */
      reasonData?: string
      /** When the alarm came into this state. */
      at: Date
    }
  | { kind: 'reconcile' }
  /** To judge gates, by the function itself. */
  | { kind: 'judge'; id: string }
  /** To tell people what came to the rollout's topic. */
  | { kind: 'news'; events: RolloutEvent[] }

const state = z.looseObject({
  value: z.enum(['ALARM', 'OK', 'INSUFFICIENT_DATA']),
  timestamp: z.string(),
  reasonData: z.string().optional(),
})
const direct = z.looseObject({
  source: z.literal('aws.cloudwatch'),
  alarmData: z.looseObject({ alarmName: z.string(), state }),
})
const bridged = z.looseObject({
  source: z.literal('aws.cloudwatch'),
  'detail-type': z.literal('CloudWatch Alarm State Change'),
  detail: z.looseObject({ alarmName: z.string(), state }),
})
const scheduled = z.looseObject({
  source: z.enum(['aws.events', 'aws.scheduler']),
  'detail-type': z.literal('Scheduled Event'),
})

const judging = z.looseObject({
  source: z.literal('sluice'),
  'detail-type': z.literal('Judge Gates'),
  detail: z.looseObject({ id: z.string() }),
})

const news = z.looseObject({
  Records: z
    .array(
      z.looseObject({
        EventSource: z.literal('aws:sns'),
        Sns: z.looseObject({ Message: z.string() }),
      }),
    )
    .min(1),
})

/** The event by which the function calls itself to judge gates. */
export function judgeEvent(id: string): z.input<typeof judging> {
  return { source: 'sluice', 'detail-type': 'Judge Gates', detail: { id } }
}

/**
 * Reads an event: an alarm's own action, the same change by EventBridge, the schedule, its own, or
 * what came to the topic. Shapes:
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring (alarms-and-actions-Lambda, cloudwatch-and-eventbridge).
 * @throws Error for anything else, so that it reaches the function's on-failure destination
 */
export function callOf(event: unknown): Call {
  const own = direct.safeParse(event)
  if (own.success) return alarmCall(own.data.alarmData)
  const other = bridged.safeParse(event)
  if (other.success) return alarmCall(other.data.detail)
  if (scheduled.safeParse(event).success) return { kind: 'reconcile' }
  const asked = judging.safeParse(event)
  if (asked.success) return { kind: 'judge', id: asked.data.detail.id }
  const told = news.safeParse(event)
  if (told.success) {
    const now = new Date()
    return {
      kind: 'news',
      events: told.data.Records.map(({ Sns }) => newsOnTopic(Sns.Message, now)),
    }
  }
  const shown = JSON.stringify(event)?.slice(0, 200)
  throw new Error(`neither an alarm nor the schedule nor its own: ${shown}`)
}

function alarmCall(data: { alarmName: string; state: z.output<typeof state> }): Call {
  const { value, timestamp, reasonData } = data.state
  const at = new Date(timestamp)
  return {
    kind: 'alarm',
    name: data.alarmName,
    state: value,
    ...(reasonData === undefined ? {} : { reasonData }),
    // A time that cannot be read is no reason to be deaf.
    at: Number.isNaN(at.getTime()) ? new Date() : at,
  }
}
