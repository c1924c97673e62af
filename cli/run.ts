import type { Command } from 'commander'
import { journalOf } from '../rollout/observation.ts'
import { findPosition } from '../rollout/positions.ts'
import { takeStep } from './advancing.ts'
import { WrongUse } from './errors.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice run`: step after step, waiting through the bakes. */
export function run(program: Command): void {
  verb(
    program,
    'run',
    'goes step after step, waiting through bakes; stops where a person is asked, and at a rollback',
    'sluice run\nsluice run --to huntred@50',
  )
    // What comes after takes the protection of blue away, so it wants to be named.
    .option('--to <position>', 'the position to stop at, by name or number', 'promoted')
    .action(async ({ to, ...options }: StackOptions & { to: string }) => {
      for (;;) {
        const stack = await openStack(options)
        const end = findPosition(stack.positions, to)
        if (!end) {
          const names = stack.positions.map(({ name }) => name).join(', ')
          throw new WrongUse(`--to: "${to}" is no position of the plan; it has ${names}`)
        }
        const journal = journalOf(await stack.platform.observe())
        const at = findPosition(stack.positions, journal?.verified.position ?? '')
        if (at && at.index >= end.index) {
          say(`at ${at.name}: done`)
          return
        }
        const reached = await takeStep({ ...options, stack: stack.name }, { wait: true })
        if (reached === undefined) return
      }
    })
}
