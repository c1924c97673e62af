import { Argument, type Command } from 'commander'
import { openPlatform } from '../platforms/open.ts'
import { describeHeld } from '../rollout/limits.ts'
import { findStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'
import { whoAmI } from './who.ts'

/** `sluice flag`: the quickest way back, for one feature. */
export function flag(program: Command): void {
  verb(
    program,
    'flag',
    'sets a flag of the plan: off takes one feature back at once; on gives it to whom its service has',
    'sluice flag use-new-auth off',
  )
    .addArgument(new Argument('<name>', 'of the flag'))
    .addArgument(new Argument('<state>').choices(['on', 'off']))
    .action(async (name: string, state: string, options: StackOptions) => {
      const stack = findStack(options, 'withoutPulumi')
      const platform = await openPlatform(stack.settings.platform)
      const done = await platform.setFlag(name, state === 'on', whoAmI())
      say(
        `flag ${name} is on for ${done.percent} % of the users, after ${describeHeld(done.tookMs, done.limits)}`,
        ...(done.on && done.percent < 100
          ? ['one that follows a service is on for no more than its green has']
          : []),
      )
    })
}
