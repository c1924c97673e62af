import { join } from 'node:path'
import type { BackupRecord } from '../../rollout/journal.ts'
import { Refused } from '../platform.ts'
import { dumpOf, readManifest } from './backup-folder.ts'
import { type Environment, explained, type Progress, resolveDatabase } from './backup-source.ts'
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
 * name.
 * @throws Refused naming what differs, with both figures; the new database is dropped then
 */
export async function restoreBackup(
  layout: Layout,
  record: BackupRecord,
  options: RestoreOptions = {},
): Promise<Restored> {
  const { progress = () => {}, environment = process.env } = options
  const folder = join(layout.backups, record.name, record.id)
  const manifest = await readManifest(folder).catch((error: Error) => {
    throw new Refused(
      `backup ${record.name} ${record.id} is not in ${folder}: ${error.message}; next: sluice restore --list`,
    )
  })
  const live = resolveDatabase(record.name, manifest.postgres, environment)
  await refuseChanged(record, manifest, folder)
  if (options.overwriteLive && manifest.only) {
    throw new Refused(
      `backup ${record.name} ${record.id} holds only ${manifest.only.join(', ')}; in the place of ${live.name} it would take the other tables away; next: sluice restore ${record.name} --into <database>`,
    )
  }
  const target = live.on(options.into ?? restoredName(live.name, new Date()))
  if (target.name === live.name) {
    throw new Refused(
      `${live.name} is the live database; a restore goes into a new one; next: choose another name, or ask to overwrite the live one`,
    )
  }
  if (Buffer.byteLength(target.name) > 63 || target.name === '') {
    throw new Refused(`${target.name} is no name for a database: give 1 to 63 bytes`)
  }
  await createLike(live, target.name).catch((error) => {
    throw explained(error, `restore of ${record.name} ${record.id}`)
  })
  try {
    progress(`restore ${record.name}: ${record.id} into ${target.name}`)
    await restoreInto(dumpOf(folder), target)
    const found = await figuresOf(target)
    refuseDifferent(record.tables, found, `backup ${record.name} ${record.id}`)
    progress(`restore ${record.name}: ${countTables(found)} are as the record has them`)
    if (!options.overwriteLive) return { database: target.name, tables: found }
    const replaced = replacedName(live.name, new Date())
    await swapDatabases(live, target.name, replaced, progress)
    return { database: live.name, replaced, tables: found }
  } catch (error) {
    await drop(live, target.name).catch(() => {})
    throw explained(error, `restore of ${record.name} ${record.id} failed`)
  }
}

const stamp = (now: Date) => now.toISOString().slice(0, 19).replaceAll(/[-:]/g, '').toLowerCase()

function restoredName(database: string, now: Date): string {
  return `${shortened(database)}_restored_${stamp(now)}`
}

function replacedName(database: string, now: Date): string {
  return `${shortened(database)}_replaced_${stamp(now)}`
}

/** PostgreSQL's names end after 63 bytes; 27 are for what stands behind. */
function shortened(name: string): string {
  return Buffer.byteLength(name) <= 36
    ? name
    : Buffer.from(name)
        .subarray(0, 36)
        .toString('utf8')
        .replace(/\uFFFD+$/, '')
}
