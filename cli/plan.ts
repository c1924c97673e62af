import { type Command, Option } from 'commander'
import { journalOf } from '../rollout/observation.ts'
import { paintFor } from './paint.ts'
import { planMarkdown, planTable } from './plan-table.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice plan`: the positions as a table. */
export function plan(program: Command): void {
  verb(
    program,
    'plan',
    'shows the positions of the plan as a table, and what holds at all of them',
    'sluice plan\nsluice plan --format markdown',
  )
    .addOption(new Option('--format <format>', 'of the table').choices(['text', 'markdown']))
    .action(async (options: StackOptions & { format?: string }) => {
      const stack = await openStack(options)
      if (options.format === 'markdown') return say(...planMarkdown(stack.plan, stack.positions))
      const journal = journalOf(await stack.platform.observe())
      const marks = { standing: journal?.verified.position, asked: stack.request().position }
      say(...planTable(stack.plan, stack.positions, marks, paintFor()))
    })
}
