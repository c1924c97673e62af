import { levelNamed } from '../../platforms/aws/levels.ts'
import { tickMs } from '../../platforms/aws/reference.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { LambdaParts } from './hook.ts'

/**
 * Tells people of an alarm, once for each time that it begins: its own call and EventBridge's come
 * for the same change, and each of them may come twice. Of a level of escalation, its own people.
 * @param did what came of it besides, for people
 * @returns false where it was told before
 */
export async function tellOfAlarm(
  parts: LambdaParts,
  alarm: Alarm,
  did: string = alarm.then,
): Promise<boolean> {
  const { operations, charge } = parts
  if (!(await isNew(parts, alarm))) return false
  const { guardrail, service, value, threshold } = alarm
  const level = levelNamed(charge.plan, guardrail)
  if (level) {
    await operations.record({
      kind: 'escalation',
      message: `green of ${service} has ${value}, above ${threshold}`,
      severity: 'critical',
      details: { service, value, threshold, notify: level.notify },
    })
  } else {
    await operations.record({
      kind: 'alarm',
      message: `${guardrail} on ${service}: ${value} against ${threshold} (${did})`,
      severity: 'warning',
      details: { ...alarm },
    })
  }
  return true
}

/** True for the one call that writes down that this is told. */
async function isNew(
  { store, operations, reference }: LambdaParts,
  { guardrail, service, since }: Alarm,
): Promise<boolean> {
  // Where nothing can be written down, telling twice is better than not at all.
  if (!(await store.readJournal().catch(() => undefined))) return true
  const key = `${guardrail} on ${service}`
  let first = false
  await operations.progress((current) => {
    const before = current.told?.[key]
    // The two calls need not name the same millisecond.
    first =
      before === undefined ||
      Math.abs(Date.parse(since) - Date.parse(before)) >= tickMs(reference) / 2
    return first ? { ...current, told: { ...current.told, [key]: since } } : current
  })
  return first
}
