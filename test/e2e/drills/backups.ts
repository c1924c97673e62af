import { expect } from 'vitest'
import { databaseEnvironment } from '../../../platforms/local/layout.ts'
import { restoreBackup } from '../../../platforms/local/restore.ts'
import { backupsDueByPriority } from '../../../rollout/backup-schedule.ts'
import type { BackupRecord } from '../../../rollout/journal.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { decided } from '../decided.ts'
import type { Drill } from './drill.ts'

export interface Copied {
  /** The backup's name in the plan. */
  name: string
  database: string
  /** A table that is in it. */
  table: string
  /** A position whose step takes it, or `schedule` where its priority does. */
  to: string
  /** Statements: before it is taken, and after. */
  prepare?: string
  spoil: string
  /** What is 1 before the spoiling. */
  ask: string
}

/**
 * The step takes the backup, its record has the rows that the database had, and a restore brings back
 * what was lost since, in a database beside the live one, which stays as it is.
 */
export function backedUp(copied: Copied): Drill {
  const { name, database, table, to, prepare, spoil, ask } = copied
  return {
    of: `backups.${name}`,
    title: `${name} is taken before ${to}, and a restore has the rows that were lost since`,
    async run(bench) {
      const { stack } = bench
      await bench.into('backups')
      await bench.at(bench.before(to), 'backups')
      await bench.prepared()
      if (prepare) await bench.sql(database, prepare)
      const [live] = await bench.sql(database, `select count(*)::int as n from ${table}`)
      // One that its schedule takes now would have begun before, and be there in time all the same.
      await stack.until('no copy to be taken by its schedule', async () => {
        const { backups, clock = 1 } = await bench.journal()
        const now = new Date().toISOString()
        return !backupsDueByPriority(stack.plan, backups, clock, now).includes(name)
      })
      const began = Date.now()
      await stack.until('the last copy to be too old', async () => {
        return (await decided(stack, to)).backupsDue.includes(name)
      })
      await bench.at(to, 'backups')
      const { backups, verified } = await bench.journal()
      // The one that the step rests on: verified before the weights were.
      const record = backups.findLast(
        (each) => each.name === name && (each.verifiedAt ?? '~') <= verified.at,
      ) as BackupRecord
      expect(Date.parse(record.takenAt)).toBeGreaterThanOrEqual(began)
      const copied = record.tables[`public.${table}`] ?? record.tables[table]
      expect(Number(copied?.rows)).toBeGreaterThanOrEqual(Number(live?.['n']))
      await bench.sql(database, spoil)
      expect(await bench.sql(database, ask)).toEqual([{ n: 0 }])
      const restored = await restoreBackup(stack.layout, record, {
        into: `drill_${began}`,
        overwriteLive: false,
        environment: { ...process.env, ...databaseEnvironment(stack.plan, stack.layout) },
      })
      expect(await bench.sql(restored.database, ask)).toEqual([{ n: 1 }])
      expect(await bench.sql(database, ask)).toEqual([{ n: 0 }])
    },
  }
}

/**
 * A plan whose copies are soon too old, so that each step takes them anew; but not before the slowest
 * of a step, a cluster that is restored on a busy machine, is verified.
 */
export function soonTooOld(plan: PlanInput): PlanInput {
  const backups = Object.entries(plan.backups ?? {}).map(([name, backup]) => [
    name,
    { ...backup, maximumAge: '40s' },
  ])
  return { ...plan, backups: Object.fromEntries(backups) }
}
