import type { RolloutEvent } from '../../platforms/store.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { LambdaParts } from './hook.ts'

/**
 * Tells people of an alarm, once for each time that it begins: its own call and EventBridge's come
 * for the same change, and each of them may come twice. Where it cannot be told whether they were
 * told, they are.
 * @returns false where they were told before
 */
export function tellOfAlarm(
  { operations }: Pick<LambdaParts, 'operations'>,
  { guardrail, service, since }: Pick<Alarm, 'guardrail' | 'service' | 'since'>,
  news: Omit<RolloutEvent, 'at'>,
): Promise<boolean> {
  // The calls that are made for one change, and CloudWatch when it is asked, need not name the same
  // millisecond.
  const at = new Date(Math.floor(Date.parse(since) / 1_000) * 1_000).toISOString()
  return operations.recordOnce({ ...news, at, occasion: `${guardrail} on ${service}` })
}

/** An alarm in words. */
export function newsOfAlarm(alarm: Alarm, did: string = alarm.then): Omit<RolloutEvent, 'at'> {
  const { guardrail, service, value, threshold } = alarm
  return {
    kind: 'alarm',
    message: `${guardrail} on ${service}: ${value} against ${threshold} (${did})`,
    severity: 'warning',
    details: { ...alarm },
  }
}
