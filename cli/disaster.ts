import { healthOfBlue } from '../platforms/local/blue.ts'
import { rebuildDatabases } from '../platforms/local/disaster.ts'
import { databaseEnvironment, type Layout } from '../platforms/local/layout.ts'
import { HaproxyRouter } from '../platforms/local/router.ts'
import { formatSpan } from '../rollout/duration.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import type { Plan } from '../rollout/plan.ts'
import { NotDone } from './errors.ts'
import { formatTable } from './format.ts'
import { say } from './verb.ts'

const LOOK_EVERY_MS = 250
/** A blue that does not answer by then, from the data that it has again, needs somebody to look. */
const ANSWER_MS = 60_000

export interface Recovery {
  /** When users lost it: the time counts from here; default: from the command. */
  since?: Date
  /** What the services of a new machine have begun to fill is kept aside. */
  overwriteLive: boolean
}

/**
 * Rebuilds everything from backups, waits until blue answers users again, and holds the time against
 * limits.disaster.
 * @throws NotDone where blue does not answer, or it took longer than the plan promises; the databases
 *   stand all the same
 */
export async function recover(
  layout: Layout,
  plan: Plan,
  { since, overwriteLive }: Recovery,
): Promise<void> {
  const began = since?.getTime() ?? Date.now()
  const environment = { ...process.env, ...databaseEnvironment(plan, layout) }
  const rebuilt = await rebuildDatabases(layout, plan, environment, {
    ...(since === undefined ? {} : { lostAt: since }),
    overwriteLive,
    progress: (text) => say(`  ${text}`),
  })
  const rows = rebuilt.map(({ database, from, tables, replaced }) => [
    database,
    from.map(({ name, id }) => `${name} ${id}`).join(', '),
    formatSpan(Date.now() - Math.min(...from.map(({ takenAt }) => Date.parse(takenAt)))),
    String(Object.keys(tables).length),
    String(Object.values(tables).reduce((sum, table) => sum + BigInt(table.rows), 0n)),
    replaced ?? '-',
  ])
  say(
    ...formatTable([['database', 'from', 'oldest data', 'tables', 'rows', 'kept aside'], ...rows]),
    `${rebuilt.length} ${rebuilt.length === 1 ? 'database is' : 'databases are'} rebuilt and compared table by table`,
  )
  const silent = await untilAnswered(layout, plan)
  const tookMs = Date.now() - began
  const took = describeHeld(tookMs, heldAgainst(plan, 'disaster', tookMs))
  if (silent.length > 0) {
    throw new NotDone(
      `after ${took} users are not answered: ${silent.join('; ')}; next: sluice doctor`,
    )
  }
  const from = since ? 'since users lost it' : 'since the command'
  say(`users are answered by blue of every service after ${took}, ${from}`)
  if (heldAgainst(plan, 'disaster', tookMs).some(({ kept }) => !kept)) {
    throw new NotDone('limits.disaster was not kept')
  }
}

/**
 * Waits until blue of every service is well, asked itself and as the router has it.
 * @returns what is not
 */
async function untilAnswered(layout: Layout, plan: Plan): Promise<string[]> {
  const router = new HaproxyRouter(layout)
  const end = performance.now() + ANSWER_MS
  for (;;) {
    const health = await healthOfBlue(plan)
    const silent = await Promise.all(
      health.map(async ({ service, well, found }) => {
        if (!well) return [`blue of ${service} ${found}`]
        const routed = await router.healthy(service, 'blue').catch(() => false)
        return routed ? [] : [`the router does not have blue of ${service} as healthy`]
      }),
    )
    if (silent.flat().length === 0 || performance.now() >= end) return silent.flat()
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
