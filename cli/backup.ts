import type { Command } from 'commander'
import { WrongUse } from './errors.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice backup`: takes a backup of the plan now, and verifies it. */
export function backup(program: Command): void {
  verb(
    program,
    'backup [name]',
    'takes a backup of the plan now and verifies it; all of them where none is named',
    'sluice backup huntred',
  ).action(async (name: string | undefined, options: StackOptions) => {
    const { plan, platform } = await openStack(options)
    const known = Object.keys(plan.backups)
    if (known.length === 0) throw new WrongUse('the plan has no backups; add them under backups:')
    if (name !== undefined && !known.includes(name)) {
      throw new WrongUse(`"${name}" is no backup of the plan; it has ${known.join(', ')}`)
    }
    for (const each of name === undefined ? known : [name]) {
      const record = await platform.backup(each, plan, (text) => say(`  ${text}`))
      const rows = Object.values(record.tables).reduce((sum, table) => sum + BigInt(table.rows), 0n)
      say(
        `${each}: ${record.id} taken${record.verifiedAt ? ' and verified' : ''}, ${Object.keys(record.tables).length} tables, ${rows} rows, ${record.bytes} bytes, ${record.location}`,
      )
    }
  })
}
