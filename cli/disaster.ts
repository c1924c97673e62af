import { rebuildDatabases } from '../platforms/local/disaster.ts'
import { databaseEnvironment, type Layout } from '../platforms/local/layout.ts'
import { formatSpan } from '../rollout/duration.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import type { Plan } from '../rollout/plan.ts'
import { NotDone } from './errors.ts'
import { formatTable } from './format.ts'
import { say } from './verb.ts'

/**
 * Rebuilds everything from backups, and holds the time against limits.disaster.
 * @throws NotDone where it took longer than the plan promises; the databases stand all the same
 */
export async function recover(layout: Layout, plan: Plan): Promise<void> {
  const started = performance.now()
  const environment = { ...process.env, ...databaseEnvironment(plan, layout) }
  const rebuilt = await rebuildDatabases(layout, plan, environment, (text) => say(`  ${text}`))
  const tookMs = Math.round(performance.now() - started)
  const held = heldAgainst(plan, 'disaster', tookMs)
  const rows = rebuilt.map(({ database, from, tables }) => [
    database,
    from.map(({ name, id }) => `${name} ${id}`).join(', '),
    formatSpan(Date.now() - Math.min(...from.map(({ takenAt }) => Date.parse(takenAt)))),
    String(Object.keys(tables).length),
    String(Object.values(tables).reduce((sum, table) => sum + BigInt(table.rows), 0n)),
  ])
  say(
    ...formatTable([['database', 'from', 'oldest data', 'tables', 'rows'], ...rows]),
    `${rebuilt.length} ${rebuilt.length === 1 ? 'database is' : 'databases are'} rebuilt and compared table by table after ${describeHeld(tookMs, held)}`,
  )
  if (held.some(({ kept }) => !kept)) throw new NotDone('limits.disaster was not kept')
}
