import { PublishCommand } from '@aws-sdk/client-sns'
import type { RolloutEvent } from '../store.ts'
import type { Clients } from './clients.ts'
import type { AwsLayout } from './layout.ts'

/** What people hear of on the topic; the rest stands in the history only. */
const QUIET: RolloutEvent['kind'][] = ['admitted', 'refused', 'weights', 'backup', 'gate', 'report']
/** SNS cuts subjects to this. */
const SUBJECT = 100

/** True for an event that people are told of. */
export function isNews({ kind, severity }: RolloutEvent): boolean {
  return severity === 'critical' || !QUIET.includes(kind)
}

/** Tells the rollout's topic, where there is one. */
export async function publish(
  { topics }: Pick<Clients, 'topics'>,
  { topic }: Pick<AwsLayout, 'topic'>,
  rollout: string,
  event: RolloutEvent,
): Promise<void> {
  if (topic === undefined || !isNews(event)) return
  await topics.send(
    new PublishCommand({
      TopicArn: topic,
      Subject: `${rollout}: ${event.kind} (${event.severity})`.slice(0, SUBJECT),
      Message: JSON.stringify({ rollout, ...event }),
      MessageAttributes: {
        severity: { DataType: 'String', StringValue: event.severity },
        kind: { DataType: 'String', StringValue: event.kind },
      },
    }),
  )
}
