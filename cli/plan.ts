import type { Command } from 'commander'
import { journalOf } from './outlook.ts'
import { paintFor } from './paint.ts'
import { planTable } from './plan-table.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice plan`: the positions as a table. */
export function plan(program: Command): void {
  verb(program, 'plan', 'shows the positions of the plan as a table', 'sluice plan').action(
    async (options: StackOptions) => {
      const stack = await openStack(options)
      const journal = journalOf(await stack.platform.observe())
      const marks = { standing: journal?.verified.position, asked: stack.request().position }
      say(...planTable(stack.plan, stack.positions, marks, paintFor()))
    },
  )
}
