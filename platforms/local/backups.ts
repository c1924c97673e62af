import { join } from 'node:path'
import type pg from 'pg'
import { formatDuration } from '../../rollout/duration.ts'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Backup } from '../../rollout/plan.ts'
import { findProgram } from '../../tools/programs.ts'
import { Refused, Unavailable } from '../platform.ts'
import {
  beginFolder,
  completeFolder,
  dumpOf,
  type Manifest,
  newId,
  readManifest,
  readRecords,
  recordOf,
  removeFolder,
  removeInterrupted,
  removeOlder,
  sealFile,
  sha256Of,
} from './backup-folder.ts'
import { type Database, databaseAt, runProgram, withSession } from './database.ts'
import { differences, type Fingerprints, fingerprintTables, LOCK_TIMEOUT } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { createLike, drop, dropLeftovers, restoreInto, scratchName } from './scratch.ts'
import { swapDatabases } from './swap.ts'

/** How many verified backups of a name are kept. */
export const KEPT = 5

export type Environment = Record<string, string | undefined>
type Progress = (message: string) => void

/**
 * Takes a backup of a database and proves it before it counts: the dump and the figures of every
 * table come from one snapshot, so that writers change nothing; the dump is restored into a
 * scratch database on the same server and every table compared.
 *
 * @param environment resolves `env:NAME`: the process's own and that of the plan's databases
 * @throws Unavailable when the server cannot be reached; Refused when the backup is not proven.
 *   Either way there is no record of it.
 */
export async function takeBackup(
  layout: Layout,
  name: string,
  backup: Backup,
  environment: Environment,
  progress: Progress = () => {},
): Promise<BackupRecord> {
  const database = resolveDatabase(name, backup.postgres, environment)
  const now = new Date()
  await cleanUp(layout, name, database, now, progress)
  const scratch = scratchName(now)
  const id = newId(now)
  const folder = await beginFolder(layout, name, id, scratch)
  try {
    progress(`backup ${name}: dumping ${database.name}`)
    const started = performance.now()
    const tables = await dumpSnapshot(database, dumpOf(folder), backup.tables)
    const { bytes, sha256 } = await sealFile(dumpOf(folder))
    progress(`backup ${name}: ${bytes} bytes of ${count(tables)} in ${since(started)}`)
    if (backup.verify === 'restore') {
      await verifyByRestore(database, scratch, dumpOf(folder), tables, progress, name)
    } else await verifyByList(database, dumpOf(folder), tables)
    const manifest: Manifest = {
      name,
      id,
      takenAt: now.toISOString(),
      verifiedAt: new Date().toISOString(),
      tables,
      bytes,
      postgres: backup.postgres,
      database: database.name,
      sha256,
      ...(backup.tables ? { only: backup.tables } : {}),
    }
    await completeFolder(folder, manifest)
    const older = await removeOlder(layout, name, KEPT)
    if (older.length > 0) progress(`backup ${name}: removed ${older.join(', ')}`)
    progress(`backup ${name}: ${id} is verified by ${backup.verify}`)
    return recordOf(manifest, folder)
  } catch (error) {
    await removeFolder(folder)
    throw explained(error, `backup ${name} failed, and is not recorded`)
  }
}

/** Every verified backup of this home, the oldest first. The folder is the truth. */
export async function listBackups(layout: Layout): Promise<BackupRecord[]> {
  return readRecords(layout)
}

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
    progress(`restore ${record.name}: ${count(found)} are as the record has them`)
    if (!options.overwriteLive) return { database: target.name, tables: found }
    const replaced = replacedName(live.name, new Date())
    await swapDatabases(live, target.name, replaced, progress)
    return { database: live.name, replaced, tables: found }
  } catch (error) {
    await drop(live, target.name).catch(() => {})
    throw explained(error, `restore of ${record.name} ${record.id} failed`)
  }
}

export function resolveDatabase(name: string, source: string, environment: Environment): Database {
  const variable = source.replace(/^env:/, '')
  const url = environment[variable]
  if (!url) {
    throw new Refused(
      `backups.${name}.postgres: ${source} is not set; next: export ${variable}=postgres://… where this command runs`,
    )
  }
  return databaseAt(url, `backups.${name}.postgres: ${source}`)
}

async function cleanUp(
  layout: Layout,
  name: string,
  database: Database,
  now: Date,
  progress: Progress,
): Promise<void> {
  const dead = await removeInterrupted(layout, name)
  const dropped = await dropLeftovers(database, dead, now)
  if (dropped.length > 0) progress(`backup ${name}: dropped leftover ${dropped.join(', ')}`)
}

/** Dumps what one snapshot sees and counts it in the same snapshot. */
async function dumpSnapshot(
  database: Database,
  file: string,
  only?: readonly string[],
): Promise<Fingerprints> {
  return withSession(database, async (client) => {
    await client.query('begin isolation level repeatable read, read only')
    const { rows } = await client.query('select pg_export_snapshot() as snapshot')
    const options = ['-Fc', '-Z1', '--no-password', `--lock-wait-timeout=${LOCK_TIMEOUT}`]
    const what = [`--snapshot=${rows[0].snapshot}`, `--file=${file}`]
    const tables = only?.map((table) => `--table=public.${table}`) ?? []
    const strict = only ? ['--strict-names'] : []
    const args = [...options, ...what, ...strict, ...tables, `--dbname=${database.address}`]
    const end = new AbortController()
    const dump = runProgram(findProgram('pg_dump'), args, database, end.signal)
    try {
      const [found] = await Promise.all([fingerprintTables(client, only), dump])
      return found
    } catch (error) {
      // Nothing may write into the folder any more when it is removed.
      end.abort()
      await dump.catch(() => {})
      throw error
    }
  })
}

async function verifyByRestore(
  database: Database,
  scratch: string,
  dump: string,
  tables: Fingerprints,
  progress: Progress,
  name: string,
): Promise<void> {
  const started = performance.now()
  await createLike(database, scratch)
  try {
    const target = database.on(scratch)
    await restoreInto(dump, target)
    refuseDifferent(tables, await figuresOf(target), 'the restored dump')
    progress(`backup ${name}: restored and compared ${count(tables)} in ${since(started)}`)
  } finally {
    // Where it cannot be dropped now, the next run does it.
    await drop(database, scratch).catch(() => {})
  }
}

/** The cheaper proof: the dump is readable to its end and holds every table's data. */
async function verifyByList(database: Database, dump: string, tables: Fingerprints): Promise<void> {
  const program = findProgram('pg_restore')
  await runProgram(program, ['--file=/dev/null', dump], database)
  const listed = await runProgram(program, ['--list', dump], database)
  // A name may hold dots and blanks, so that both sides are compared with blanks alone.
  const plain = (text: string) => text.replaceAll('.', ' ')
  const held = [...listed.matchAll(/ TABLE DATA (.+)$/gm)].map(([, rest]) => plain(`${rest}`))
  const missing = Object.keys(tables).filter(
    (table) => !held.some((line) => line.startsWith(`${plain(table)} `)),
  )
  if (missing.length > 0) throw new Refused(`the dump holds no data of ${missing.join(', ')}`)
}

export function figuresOf(database: Database): Promise<Fingerprints> {
  return withSession(database, async (client: pg.Client) => {
    await client.query('begin isolation level repeatable read, read only')
    return fingerprintTables(client)
  })
}

export async function refuseChanged(
  record: BackupRecord,
  manifest: Manifest,
  folder: string,
): Promise<void> {
  const sha256 = await sha256Of(dumpOf(folder)).catch((error: Error) => error.message)
  if (sha256 !== manifest.sha256) {
    throw new Refused(
      `the dump of backup ${record.name} ${record.id} is corrupt: SHA-256 ${manifest.sha256} when it was verified, ${sha256} now (${dumpOf(folder)}); nothing was restored; next: restore an older one, sluice restore --list`,
    )
  }
}

export function refuseDifferent(expected: Fingerprints, found: Fingerprints, what: string): void {
  const differing = differences(expected, found)
  if (differing.length > 0) throw new Refused(`${what} differs: ${differing.join('; ')}`)
}

/** Names the operation in front of what went wrong; the class of the error stays. */
function explained(error: unknown, what: string): Error {
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
  if (error instanceof Refused) return new Refused(message, error.refusals)
  return error instanceof Unavailable ? new Unavailable(message) : new Error(message)
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

const count = (tables: Fingerprints) => {
  const number = Object.keys(tables).length
  return number === 1 ? '1 table' : `${number} tables`
}

const since = (started: number) => formatDuration(performance.now() - started)
