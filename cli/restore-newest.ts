import { databaseEnvironment } from '../platforms/local/layout.ts'
import { restoreBackup } from '../platforms/local/restore.ts'
import type { Platform } from '../platforms/platform.ts'
import { formatSpan } from '../rollout/duration.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import type { Plan } from '../rollout/plan.ts'
import { chooseRecord, layoutOn } from './restore.ts'
import type { Stack } from './stack.ts'
import { say } from './verb.ts'

/** Puts the newest verified backup in the place of the live database, which is kept aside. */
export async function restoreNewest(
  stack: Stack,
  platform: Platform,
  plan: Plan | undefined,
  name: string,
): Promise<void> {
  const started = performance.now()
  const record = chooseRecord(await platform.backups(), name)
  const layout = layoutOn(stack, plan, record)
  const age = formatSpan(Date.now() - Date.parse(record.takenAt))
  say(`restores ${name} ${record.id}, ${age} old; what was written since stands in the former one`)
  const environment = {
    ...process.env,
    ...(plan ? databaseEnvironment(plan, layout) : {}),
  }
  const restored = await restoreBackup(layout, record, {
    overwriteLive: true,
    environment,
    progress: (text) => say(`  ${text}`),
  })
  const tookMs = Math.round(performance.now() - started)
  say(
    `${restored.database} is restored and verified after ${describeHeld(tookMs, heldAgainst(plan, 'database', tookMs))}; the former one is ${restored.replaced}`,
  )
}
