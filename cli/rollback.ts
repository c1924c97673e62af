import { userInfo } from 'node:os'
import type { Command } from 'commander'
import { openPlatform } from '../platforms/open.ts'
import { formatSpan } from '../rollout/duration.ts'
import { describeChange } from '../rollout/weights.ts'
import { NotDone } from './errors.ts'
import { acknowledgingLines, latchOf } from './outlook.ts'
import { paintFor } from './paint.ts'
import { findStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice rollback`: the emergency. No Pulumi, no lock, and no plan: only the platform. */
export function rollback(program: Command): void {
  verb(
    program,
    'rollback',
    'puts green to 0 at once and latches; no Pulumi, no lock; works while the hook is dead',
    'sluice rollback --reason "candidates cannot log in"',
  )
    .option('--reason <text>', 'what the history and the news say', 'a person asked for it')
    .action(async ({ reason, ...options }: StackOptions & { reason: string }) => {
      const stack = findStack(options, 'withoutPulumi')
      const platform = openPlatform(stack.settings.platform)
      const done = await platform.rollback({ by: whoAmI(), reason })
      const paint = paintFor()
      const above = Object.values(done.weights).some(({ green }) => green > 0)
      const how = done.via === 'hook' ? 'by the hook' : 'directly, as the hook does not answer'
      say(
        `${above ? paint('bad', 'GREEN KEEPS TRAFFIC') : paint('good', 'green is at 0')}, read back after ${formatSpan(done.tookMs)}, ${how}`,
        describeChange(done.weights, done.weights),
      )
      const latch = latchOf(await platform.observe())
      if (latch?.latched) {
        say('latched. To go on, type:', ...acknowledgingLines(latch).map((line) => `  ${line}`))
        say('  pulumi up', '(or all of it: sluice retry)')
      } else if (!done.latched) {
        say('nothing was latched: nothing of it is deployed, or it is released')
      }
      if (above)
        throw new NotDone('blue is absent or ill and would get the traffic; next: sluice doctor')
    })
}

function whoAmI(): string {
  try {
    return process.env['SUDO_USER'] ?? userInfo().username
  } catch {
    return 'a person'
  }
}
