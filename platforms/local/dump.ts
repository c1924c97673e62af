import type { BackupRecord } from '../../rollout/journal.ts'
import { findProgram } from '../../tools/programs.ts'
import { Refused } from '../platform.ts'
import { type DumpManifest, dumpOf, sha256Of } from './backup-folder.ts'
import { type Progress, since } from './backup-source.ts'
import { type Database, runProgram, withSession } from './database.ts'
import {
  countTables,
  type Fingerprints,
  figuresOf,
  fingerprintTables,
  LOCK_TIMEOUT,
  refuseDifferent,
} from './fingerprint.ts'
import { createLike, drop, restoreInto } from './scratch.ts'

/** Dumps what one snapshot sees and counts it in the same snapshot. */
export async function dumpSnapshot(
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

/** Restores the dump into a scratch database of the same server and compares every table. */
export async function verifyByRestore(
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
    progress(`backup ${name}: restored and compared ${countTables(tables)} in ${since(started)}`)
  } finally {
    // Where it cannot be dropped now, the next run does it.
    await drop(database, scratch).catch(() => {})
  }
}

/** The cheaper proof: the dump is readable to its end and holds every table's data. */
export async function verifyByList(
  database: Database,
  dump: string,
  tables: Fingerprints,
): Promise<void> {
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

/** @throws Refused where the dump is no longer what was verified */
export async function refuseChanged(
  record: BackupRecord,
  manifest: DumpManifest,
  folder: string,
): Promise<void> {
  const sha256 = await sha256Of(dumpOf(folder)).catch((error: Error) => error.message)
  if (sha256 !== manifest.sha256) {
    throw new Refused(
      `the dump of backup ${record.name} ${record.id} is corrupt: SHA-256 ${manifest.sha256} when it was verified, ${sha256} now (${dumpOf(folder)}); nothing was restored; next: restore an older one, sluice restore --list`,
    )
  }
}

/** Dumps a whole database that nobody writes to, such as that of a restored copy. */
export async function dumpWhole(database: Database, file: string): Promise<void> {
  const args = ['-Fc', '-Z1', '--no-password', `--file=${file}`, `--dbname=${database.address}`]
  await runProgram(findProgram('pg_dump'), args, database)
}
