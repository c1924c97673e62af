import { z } from 'zod'
import { HEARTBEAT } from '../../platforms/aws/alarms.ts'
import type { RolloutEvent } from '../../platforms/store.ts'

const own = z.looseObject({
  at: z.string(),
  kind: z.string(),
  message: z.string(),
  severity: z.enum(['info', 'warning', 'critical']),
})
/** docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring (Notify_Users_Alarm_Changes). */
const alarm = z.looseObject({
  AlarmName: z.string(),
  NewStateValue: z.string(),
  NewStateReason: z.string().default(''),
  StateChangeTime: z.string().optional(),
})

/**
 * Reads what stands on the rollout's topic: its own news; and what CloudWatch says there itself, which
 * is of the one alarm that is about the hook, and of whatever else somebody has sent there. Pure.
 * @throws Error for anything else, so that it reaches the function's on-failure destination
 */
export function newsOnTopic(message: string, now: Date): RolloutEvent {
  const data: unknown = parsed(message)
  const told = own.safeParse(data)
  if (told.success) return told.data as unknown as RolloutEvent
  const changed = alarm.safeParse(data)
  if (!changed.success) {
    throw new Error(`neither news nor an alarm came to the topic: ${message.slice(0, 200)}`)
  }
  const { AlarmName: name, NewStateValue: state, NewStateReason: reason } = changed.data
  const since = new Date(changed.data.StateChangeTime ?? '')
  const at = (Number.isNaN(since.getTime()) ? now : since).toISOString()
  const [, rollout, what, ...more] = name.split('/')
  if (name.startsWith('sluice/') && what === HEARTBEAT && more.length === 0 && state === 'ALARM') {
    return {
      ...{ at, kind: 'guard', severity: 'critical' },
      message: `the hook of ${rollout} is not heard of: green is not guarded and keeps its traffic, and no weight rises; next: sluice doctor, or sluice rollback`,
    }
  }
  return {
    ...{ at, kind: 'alarm', severity: state === 'ALARM' ? 'warning' : 'info' },
    message: `${name} is ${state}: ${reason}`,
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
