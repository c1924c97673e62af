import type { Command } from 'commander'
import { takeStep } from './advancing.ts'
import type { StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice advance`: the next step, if nothing holds it. */
export function advance(program: Command): void {
  verb(
    program,
    'advance',
    'takes the next step: sets sluice:step to it, then pulumi up; refused, it changes nothing',
    'sluice advance --wait',
  )
    .option('--wait', 'waits until the bake is over and the gates have passed')
    .action(async (options: StackOptions & { wait?: boolean }) => {
      const reached = await takeStep(options, { wait: options.wait ?? false })
      say(reached ? `at ${reached}; next: sluice status` : 'the rollout is at its end')
    })
}
