import type { Command } from 'commander'
import { openPlatform } from '../platforms/open.ts'
import { journalOf } from '../rollout/observation.ts'
import { NotDone } from './errors.ts'
import { findStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'
import { whoAmI } from './who.ts'

/** `sluice resolve`: somebody has looked at what a guardrail asked to be looked at. */
export function resolve(program: Command): void {
  verb(
    program,
    'resolve <guardrail>',
    'closes the investigations that a guardrail has opened, which hold every rise',
    'sluice resolve integrity',
  ).action(async (guardrail: string, options: StackOptions) => {
    const stack = findStack(options, 'withoutPulumi')
    const platform = await openPlatform(stack.settings.platform)
    const closed = await platform.resolve(guardrail, whoAmI())
    if (closed > 0) {
      say(`${closed} ${closed === 1 ? 'investigation' : 'investigations'} of ${guardrail} closed`)
      return
    }
    const open = (journalOf(await platform.observe())?.investigations ?? [])
      .filter(({ closedAt }) => closedAt === undefined)
      .map((each) => each.guardrail)
    throw new NotDone(
      `no investigation of ${guardrail} is open; open: ${[...new Set(open)].join(', ') || 'none'}`,
    )
  })
}
