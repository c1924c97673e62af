import type { BackupRecord } from '../../rollout/journal.ts'
import type { Backup } from '../../rollout/plan.ts'
import { takeArchived } from './archived-backup.ts'
import {
  beginFolder,
  completeFolder,
  type DumpManifest,
  dumpOf,
  newId,
  readRecords,
  recordOf,
  removeFolder,
  removeInterrupted,
  removeOlder,
  sealFile,
} from './backup-folder.ts'
import {
  type Environment,
  explained,
  type Progress,
  resolveDatabase,
  since,
} from './backup-source.ts'
import type { Database } from './database.ts'
import { dumpSnapshot, verifyByList, verifyByRestore } from './dump.ts'
import { countTables } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { dropLeftovers, scratchName } from './scratch.ts'

/** How many verified backups of a name are kept. */
export const KEPT = 5

/**
 * Takes a backup of a database and proves it before it counts. What is critical is archived
 * continuously, see {@link takeArchived}; of everything else it is a dump: the dump and the figures of every
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
  if (backup.priority !== 'critical') return takeDump(layout, name, backup, database, progress)
  return takeArchived(layout, name, backup, database, { keep: KEPT, progress })
}

async function takeDump(
  layout: Layout,
  name: string,
  backup: Backup,
  database: Database,
  progress: Progress,
): Promise<BackupRecord> {
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
    progress(`backup ${name}: ${bytes} bytes of ${countTables(tables)} in ${since(started)}`)
    if (backup.verify === 'restore') {
      await verifyByRestore(database, scratch, dumpOf(folder), tables, progress, name)
    } else await verifyByList(database, dumpOf(folder), tables)
    const manifest: DumpManifest = {
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
