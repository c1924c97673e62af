import { join } from 'node:path'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Backup } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import { bringUpToDate, refuseGap, systemToRestore, withArchivedDump } from './archived-dump.ts'
import { dumpOf, isArchived, readManifest } from './backup-folder.ts'
import { type Environment, explained, type Progress, resolveDatabase } from './backup-source.ts'
import type { Database } from './database.ts'
import { replacedName, restoredName } from './database-names.ts'
import { refuseChanged } from './dump.ts'
import { countTables, type Fingerprints, figuresOf, refuseDifferent } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { createLike, drop, restoreInto } from './scratch.ts'
import { swapDatabases } from './swap.ts'

export interface RestoreOptions {
  /** Name of the new database; default `<database>_restored_<time>`. It must not exist. */
  into?: string
  /** Puts the restored database in the place of the live one, once it is verified. */
  overwriteLive?: boolean
  /** Resolves the `env:NAME` that the backup was taken from; default: the process's. */
  environment?: Environment
  progress?: Progress
}

export interface Restored {
  /** Where the data stands now: the new database, or the live one where it was overwritten. */
  database: string
  /** The former live database, kept under this name, where it was overwritten. */
  replaced?: string
  tables: Fingerprints
}

/**
 * Restores a backup into a new database and says so only when every table is as the record has
 * it. The live database is not touched without `overwriteLive`; with it, it is kept under another
 * name. Of a place in the archive, everything that stood there is restored.
 * @throws Refused naming what differs, with both figures; the new database is dropped then
 */
export async function restoreBackup(
  layout: Layout,
  record: BackupRecord,
  options: RestoreOptions = {},
): Promise<Restored> {
  const { progress = () => {}, environment = process.env } = options
  const folder = join(layout.backups, record.name, record.id)
  const what = `backup ${record.name} ${record.id}`
  const manifest = await readManifest(folder).catch((error: Error) => {
    throw new Refused(`${what} is not in ${folder}: ${error.message}; next: sluice restore --list`)
  })
  const live = resolveDatabase(record.name, manifest.postgres, environment)
  if (isArchived(manifest)) {
    const { system, lsn } = manifest.point
    const target = targetOf(live, options)
    return withArchivedDump(
      layout,
      { system, target: { lsn }, database: manifest.database },
      progress,
      async ({ dump, tables, cluster }) => {
        const found = await figuresOf(cluster, manifest.only)
        refuseDifferent(record.tables, found, what)
        return intoNew(live, target, { dump, tables, what }, options)
      },
    ).catch((error) => {
      throw explained(error, `restore of ${record.name} ${record.id} failed`)
    })
  }
  await refuseChanged(record, manifest, folder)
  if (options.overwriteLive && manifest.only) {
    throw new Refused(
      `${what} holds only ${manifest.only.join(', ')}; in the place of ${live.name} it would take the other tables away; next: sluice restore ${record.name} --into <database>`,
    )
  }
  const source = { dump: dumpOf(folder), tables: record.tables, what }
  return intoNew(live, targetOf(live, options), source, options)
}

/**
 * Restores a database as it stood at a moment, from its continuous archive, into a new database.
 * @param to `latest`: with the last transaction that was committed, where the live server answers;
 *   else with the last that is archived
 * @throws Refused where it is not archived, or the archive does not reach the moment
 */
export async function restoreToMoment(
  layout: Layout,
  name: string,
  backup: Backup,
  to: Date | 'latest',
  options: RestoreOptions = {},
): Promise<Restored & { reached?: string }> {
  const { progress = () => {}, environment = process.env } = options
  const live = resolveDatabase(name, backup.postgres, environment)
  const target = targetOf(live, options)
  const system = await systemToRestore(layout, name, backup, live)
  if (to === 'latest') await refuseGap(layout, name, system)
  await bringUpToDate(layout, live, progress)
  const what = `the archive of ${name}, restored to ${to === 'latest' ? to : to.toISOString()}`
  return withArchivedDump(
    layout,
    { system, target: to === 'latest' ? to : { time: to }, database: live.name },
    progress,
    async ({ dump, tables, reached }) => {
      const restored = await intoNew(live, target, { dump, tables, what }, options)
      return { ...restored, ...(reached === undefined ? {} : { reached }) }
    },
  ).catch((error) => {
    throw explained(error, `restore of ${name} failed`)
  })
}

/** The new database that a restore goes into. */
function targetOf(live: Database, options: RestoreOptions): Database {
  const target = live.on(options.into ?? restoredName(live.name, new Date()))
  if (target.name === live.name) {
    throw new Refused(
      `${live.name} is the live database; a restore goes into a new one; next: choose another name, or ask to overwrite the live one`,
    )
  }
  if (Buffer.byteLength(target.name) > 63 || target.name === '') {
    throw new Refused(`${target.name} is no name for a database: give 1 to 63 bytes`)
  }
  return target
}

/** A dump, the figures that it must have, and what it is of. */
interface Source {
  dump: string
  tables: Fingerprints
  what: string
}

async function intoNew(
  live: Database,
  target: Database,
  { dump, tables, what }: Source,
  { overwriteLive, progress = () => {} }: RestoreOptions,
): Promise<Restored> {
  await createLike(live, target.name).catch((error) => {
    throw explained(error, `restore of ${what}`)
  })
  try {
    progress(`restore of ${what} into ${target.name}`)
    await restoreInto(dump, target)
    const found = await figuresOf(target)
    refuseDifferent(tables, found, what)
    progress(`restore of ${what}: ${countTables(found)} are as they were`)
    if (!overwriteLive) return { database: target.name, tables: found }
    const replaced = replacedName(live.name, new Date())
    await swapDatabases(live, target.name, replaced, progress)
    return { database: live.name, replaced, tables: found }
  } catch (error) {
    await drop(live, target.name).catch(() => {})
    throw explained(error, `restore of ${what} failed`)
  }
}
