import type { Platform } from '../platforms/platform.ts'
import { Refused } from '../platforms/platform.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import { journalOf } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { NotDone } from './errors.ts'
import { say } from './verb.ts'

const LOOK_EVERY_MS = 100
/** Beyond the operation's own time, the hook has stopped. */
const GRACE_MS = 15_000

/**
 * Takes an operation back and waits for its end.
 * @throws Refused where it is not declared or green has traffic; NotDone where it failed
 */
export async function takeDown(
  platform: Platform,
  plan: Plan | undefined,
  operation: string,
  by: string,
): Promise<void> {
  if (!plan) throw new Refused('nothing is deployed here, so there is nothing to take back')
  const started = performance.now()
  const timeoutMs = (plan.operations[operation]?.timeout ?? 0) + GRACE_MS
  await platform.takeDown(operation, by)
  say(`operations.${operation} is being taken back`)
  for (;;) {
    const records = journalOf(await platform.observe())?.operations ?? []
    const record = records.findLast((each) => each.operation === `${operation}.down`)
    const tookMs = Math.round(performance.now() - started)
    if (record?.result === 'done') {
      const held = heldAgainst(plan, 'database', tookMs)
      say(`operations.${operation} is taken back after ${describeHeld(tookMs, held)}`)
      return
    }
    if (record?.result === 'failed') {
      throw new NotDone(`operations.${operation} could not be taken back: ${record.reason}`)
    }
    if (tookMs > timeoutMs) {
      throw new NotDone(
        `operations.${operation} is not taken back after ${describeHeld(tookMs, [])}; next: sluice status, and sluice doctor`,
      )
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
