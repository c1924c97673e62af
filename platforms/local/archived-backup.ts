import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { notArchivable } from '../../rollout/archiving.ts'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Backup } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import { isOwn, readArchiving, systemOf } from './archive.ts'
import { takePoint, untilArchived } from './archive-point.ts'
import {
  type ArchivedManifest,
  beginFolder,
  completeFolder,
  isArchived,
  newId,
  readManifests,
  recordOf,
  removeFolder,
  removeInterrupted,
  removeOlder,
} from './backup-folder.ts'
import { explained, type Progress, since } from './backup-source.ts'
import { ensureBase, usableBases } from './base-backup.ts'
import type { Database } from './database.ts'
import { countTables, figuresOf, refuseDifferent } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { type Base, stanzaOf } from './pgbackrest.ts'
import { withRestoredCluster } from './restored-cluster.ts'
import { isSegment, lsnValue, segmentNumber } from './wal.ts'

/**
 * A backup of data that is archived continuously: a place in the WAL, with the figures that stood
 * there. The WAL file is closed and seen in the archive; with `verify: restore` the archive is
 * restored up to that very place into a cluster of its own, and every table compared.
 *
 * @throws Refused where the database is not the supervised one, or the archive is not proven
 */
export async function takeArchived(
  layout: Layout,
  name: string,
  backup: Backup,
  database: Database,
  { keep, progress }: { keep: number; progress: Progress },
): Promise<BackupRecord> {
  const system = await archivedSystem(layout, name, backup, database)
  await removeInterrupted(layout, name)
  const now = new Date()
  const id = newId(now)
  const folder = await beginFolder(layout, name, id)
  try {
    await ensureBase(layout, system, progress)
    const started = performance.now()
    const { tables, ...point } = await takePoint(database, backup.tables)
    await untilArchived(layout, database, point.segment)
    progress(
      `backup ${name}: ${countTables(tables)} at ${point.lsn}, archived with ${point.segment} after ${since(started)}`,
    )
    const bases = (await usableBases(layout, system)).filter((each) => isBefore(each, point.lsn))
    const base = await wholeSince(layout, system, bases, point.segment)
    if (backup.verify === 'restore') {
      const from = { system, base: base.label, target: { lsn: point.lsn } }
      await withRestoredCluster(layout, from, progress, async (cluster) => {
        const found = await figuresOf(cluster.database(database.name), backup.tables)
        refuseDifferent(tables, found, `the archive restored to ${point.lsn}`)
      })
      progress(`backup ${name}: restored and compared ${countTables(tables)} in ${since(started)}`)
    }
    const manifest: ArchivedManifest = {
      name,
      id,
      takenAt: point.at,
      verifiedAt: new Date().toISOString(),
      tables,
      bytes: base.bytes,
      postgres: backup.postgres,
      database: database.name,
      ...(backup.tables ? { only: backup.tables } : {}),
      point: { system, lsn: point.lsn, segment: point.segment },
      restorable: { from: new Date(bases[0]?.from ?? base.from).toISOString(), to: point.at },
    }
    await completeFolder(folder, manifest)
    // Those of another cluster stay: after a loss they are what there is.
    await removeOlder(
      layout,
      name,
      keep,
      (each) => isArchived(each) && each.point.system === system,
    )
    await removeUnreachable(layout, system)
    progress(`backup ${name}: ${id} is verified by ${backup.verify}`)
    return recordOf(manifest, folder)
  } catch (error) {
    await removeFolder(folder)
    throw explained(error, `backup ${name} failed, and is not recorded`)
  }
}

async function archivedSystem(
  layout: Layout,
  name: string,
  backup: Backup,
  database: Database,
): Promise<string> {
  if (!isOwn(layout, database)) throw new Refused(notArchivable(name, backup.postgres))
  const archiving = await readArchiving(layout)
  const system = await systemOf(database)
  if (archiving?.system === system) return system
  throw new Refused(
    `backup ${name}: the cluster of ${database.name} is not archived; next: pulumi up, which turns it on`,
  )
}

/**
 * The newest of the base backups from which every WAL file up to this one is in the repository.
 * @throws Refused naming the first that is missing
 */
async function wholeSince(
  layout: Layout,
  system: string,
  bases: readonly Base[],
  segment: string,
): Promise<Base> {
  const base = bases.at(-1)
  if (!base) {
    throw new Refused(
      `WAL was given up before ${segment} was archived, so that no base backup reaches it; next: take the backup again, which begins with a new one`,
    )
  }
  const there = new Set(await archivedSegments(layout, system))
  const timeline = segment.slice(0, 8)
  for (let at = segmentNumber(base.start); at <= segmentNumber(segment); at += 1n) {
    if (there.has(`${timeline} ${at}`)) continue
    throw new Refused(
      `WAL file number ${at} after the base backup ${base.label} is not in ${layout.archive.repository}; next: sluice doctor`,
    )
  }
  return base
}

/** The WAL files in the repository, each as its timeline and its number. */
async function archivedSegments(layout: Layout, system: string): Promise<string[]> {
  const folder = join(layout.archive.repository, 'archive', stanzaOf(system))
  const names = await readdir(folder, { recursive: true })
  return names
    .map((name) => name.slice(name.lastIndexOf('/') + 1).slice(0, 24))
    .filter(isSegment)
    .map((name) => `${name.slice(0, 8)} ${segmentNumber(name)}`)
}

/** True where a restore from the base backup can end at that place. */
export const isBefore = (base: Base, lsn: string) => lsnValue(base.stopLsn) <= lsnValue(lsn)

/** Records whose base backup is gone can no longer be restored, and go too. */
async function removeUnreachable(layout: Layout, system: string): Promise<void> {
  const bases = await usableBases(layout, system)
  for (const { manifest, folder } of await readManifests(layout)) {
    if (!isArchived(manifest) || manifest.point.system !== system) continue
    if (!bases.some((base) => isBefore(base, manifest.point.lsn))) await removeFolder(folder)
  }
}
