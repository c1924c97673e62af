import { join } from 'node:path'
import { notArchivable } from '../../rollout/archiving.ts'
import type { Backup } from '../../rollout/plan.ts'
import { Refused, Unavailable } from '../platform.ts'
import { isOwn, readArchiving } from './archive.ts'
import { switchWal, untilArchived } from './archive-point.ts'
import { isBefore } from './archived-backup.ts'
import { isArchived, readManifests } from './backup-folder.ts'
import type { Progress } from './backup-source.ts'
import { readGaps } from './base-backup.ts'
import type { Database } from './database.ts'
import { dumpWhole } from './dump.ts'
import { type Fingerprints, figuresOf } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { type Base, readBases } from './pgbackrest.ts'
import { type Target, withRestoredCluster } from './restored-cluster.ts'
import { type Gap, gapsAfter } from './wal.ts'

/** A database as the archive has it at a moment. */
export interface ArchivedDump {
  /** A dump of it, gone when the restored copy goes. */
  dump: string
  /** The figures of every table of it. */
  tables: Fingerprints
  /** The database in the restored copy. */
  cluster: Database
  /** When the last transaction that it holds was committed. */
  reached?: string
}

/**
 * Restores the archive of a cluster into a copy of its own, dumps a database of it, and takes the
 * copy away when `use` is done.
 * @throws Refused where no base backup is before the target, or the archive does not reach it
 */
export async function withArchivedDump<T>(
  layout: Layout,
  from: { system: string; target: Target; database: string },
  progress: Progress,
  use: (archived: ArchivedDump) => Promise<T>,
): Promise<T> {
  const { system, target } = from
  const bases = await readBases(layout, system)
  const base = bases.findLast((each) => reaches(each, target))
  if (!base) throw new Refused(tooEarly(layout, bases, target))
  const gaps = gapsAfter(await readGaps(layout, system), base)
  if (target === 'latest' && gaps.length > 0) {
    progress(`WAL was given up (${describe(gaps)}): what was written after it is not restored`)
  }
  return withRestoredCluster(
    layout,
    { system, base: base.label, target },
    progress,
    async (copy) => {
      const cluster = copy.database(from.database)
      const dump = join(copy.folder, 'database.dump')
      await dumpWhole(cluster, dump)
      const tables = await figuresOf(cluster)
      const { reached } = copy
      return use({ dump, tables, cluster, ...(reached === undefined ? {} : { reached }) })
    },
  ).catch((error: Error) => {
    if (gaps.length === 0 || !/does not reach/.test(error.message)) throw error
    throw new Refused(`${error.message}; WAL was given up: ${describe(gaps)}`)
  })
}

const describe = (gaps: readonly Gap[]) =>
  gaps.map(({ segment, at }) => `${segment} at ${at}`).join(', ')

/** @throws Refused where the newest base backup does not lead up to now: WAL was given up since */
export async function refuseGap(layout: Layout, name: string, system: string): Promise<void> {
  const newest = (await readBases(layout, system)).at(-1)
  const gaps = newest ? gapsAfter(await readGaps(layout, system), newest) : []
  if (!gaps[0]) return
  throw new Refused(
    `the archive of ${name} does not lead up to now: WAL was given up (${describe(gaps)}); next: sluice restore ${name} --to <a time before ${gaps[0].at}>; sluice backup ${name} begins anew`,
  )
}

/**
 * Which cluster's archive a restore reads: the live one's, or, where that is not archived any
 * more, that of the newest record.
 */
export async function systemToRestore(
  layout: Layout,
  name: string,
  backup: Backup,
  live: Database,
): Promise<string> {
  if (!isOwn(layout, live)) throw new Refused(notArchivable(name, backup.postgres))
  const archiving = await readArchiving(layout)
  if (archiving) return archiving.system
  const records = (await readManifests(layout)).map(({ manifest }) => manifest)
  const last = records.filter(isArchived).findLast((each) => each.name === name)
  if (last) return last.point.system
  throw new Refused(
    `${name} is not archived, so it cannot be restored to a moment; next: priority: critical in the plan, then pulumi up; or sluice restore ${name} --list`,
  )
}

/** Closes the WAL file that is being written, so that a restore has what was just committed. */
export async function bringUpToDate(
  layout: Layout,
  live: Database,
  progress: Progress,
): Promise<void> {
  try {
    await untilArchived(layout, live, await switchWal(live), 15_000)
  } catch (error) {
    if (!(error instanceof Unavailable) && !(error instanceof Refused)) throw error
    progress(`what is not archived yet is not restored: ${error.message}`)
  }
}

function reaches(base: Base, target: Target): boolean {
  if (target === 'latest') return true
  return 'lsn' in target ? isBefore(base, target.lsn) : base.from <= target.time.getTime()
}

function tooEarly({ archive }: Layout, bases: readonly Base[], target: Target): string {
  const first = bases[0]
  if (!first) return `the archive in ${archive.repository} has no base backup; next: sluice doctor`
  const goal =
    target === 'latest' ? target : 'lsn' in target ? target.lsn : target.time.toISOString()
  return `${goal} is before the first moment that the archive can restore, ${new Date(first.from).toISOString()}; next: give a later one, or sluice restore --list`
}
