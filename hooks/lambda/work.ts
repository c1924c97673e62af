import { tickMs } from '../../platforms/aws/reference.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { seeActions, takeAction } from './actions.ts'
import { keepFlags } from './flags.ts'
import { type LambdaParts, log } from './hook.ts'
import { runOperations } from './operations.ts'
import { judgeRunGates } from './run-gates.ts'

/**
 * What a minute's run does of the plan's own commands and flags: each command is begun, or looked at,
 * and none is waited for. What fails here is said and tried again with the next run: it keeps nothing else from being
 * done.
 * @param alarms that are active
 */
export async function bringWorkOn(
  parts: LambdaParts,
  alarms: readonly Alarm[],
  now: Date,
): Promise<void> {
  const steps = [
    () => runOperations(parts),
    () => judgeRunGates(parts),
    () => takeLostActions(parts, alarms, now),
    () => seeActions(parts),
    () => keepFlags(parts),
  ]
  for (const step of steps) {
    await step().catch((error: Error) => log('warning', error.message))
  }
}

/** An alarm whose call is a period overdue is acted on here; one that is newer is about to call itself. */
async function takeLostActions(
  parts: LambdaParts,
  alarms: readonly Alarm[],
  now: Date,
): Promise<void> {
  if (!parts.world.armed) return
  for (const alarm of alarms) {
    if (alarm.then !== 'run' && alarm.then !== 'flag') continue
    if (now.getTime() - Date.parse(alarm.since) < tickMs(parts.reference)) continue
    await takeAction(parts, alarm)
  }
}
