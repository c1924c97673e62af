import type { BackupRecord } from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import { systemOf } from './archive.ts'
import { withArchivedDump } from './archived-dump.ts'
import {
  type ArchivedManifest,
  type DumpManifest,
  dumpOf,
  isArchived,
  type Manifest,
  readManifests,
  recordOf,
} from './backup-folder.ts'
import { type Environment, resolveDatabase } from './backup-source.ts'
import { type Database, quoteName, withSession } from './database.ts'
import { replacedName, restoredName } from './database-names.ts'
import { refuseChanged } from './dump.ts'
import { type Fingerprints, figuresOf, refuseDifferent } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { readBases } from './pgbackrest.ts'
import type { Target } from './restored-cluster.ts'
import { createLike, drop, restoreInto } from './scratch.ts'
import { swapDatabases } from './swap.ts'

/** A database that was rebuilt. */
export interface Rebuilt {
  database: string
  /** The backups that it was rebuilt from, the oldest first. */
  from: { name: string; id: string; takenAt: string }[]
  tables: Fingerprints
  /** The name under which what stood in its place is kept; undefined where it was empty. */
  replaced?: string
}

/** How a rebuild is done. */
export interface RebuildOptions {
  /** Only backups from before this moment count: what came after it is of the new machine. */
  lostAt?: Date
  /** Puts the rebuilt databases in the place of those that have tables, which are kept aside. */
  overwriteLive?: boolean
  progress?(message: string): void
}

/** A dump that was verified. */
interface Copy {
  record: BackupRecord
  manifest: DumpManifest
  folder: string
}

/** What a database is rebuilt from: the archive of its cluster where there is one, then dumps. */
interface Work {
  database: Database
  archive?: { name: string; system: string; target: Target; id: string }
  copies: Copy[]
}

/**
 * Rebuilds every database that the plan backs up, on a server where they are empty or missing:
 * from the continuous archive where what is critical has one, up to its end; else from the newest
 * verified dumps. What holds everything goes first, then what is of single tables and newer. Every
 * table is compared at the end, and only then anything takes the place of what stands there.
 *
 * @throws Refused before anything is written where a backup is missing or damaged, or a database
 *   has tables already and is not to be overwritten; afterwards where a table differs
 */
export async function rebuildDatabases(
  layout: Layout,
  plan: Pick<Plan, 'name' | 'backups'>,
  environment: Environment,
  { lostAt, overwriteLive = false, progress = () => {} }: RebuildOptions = {},
): Promise<Rebuilt[]> {
  const all = new Map<string, Work>()
  const found = (await readManifests(layout)).filter(
    ({ manifest }) => lostAt === undefined || Date.parse(manifest.takenAt) <= lostAt.getTime(),
  )
  for (const [name, backup] of Object.entries(plan.backups)) {
    const database = resolveDatabase(name, backup.postgres, environment)
    const work = all.get(backup.postgres) ?? { database, copies: [] }
    all.set(backup.postgres, work)
    const own = found.filter(({ manifest }) => manifest.name === name && manifest.verifiedAt)
    if (backup.priority === 'critical') {
      const archived = own.map(({ manifest }) => manifest).filter(isArchived)
      work.archive ??= await archiveOf(layout, name, database, archived, lostAt)
    } else work.copies.push(await newestOf(layout, name, own))
  }
  if (all.size === 0) {
    throw new Refused(`the plan ${plan.name} has no backups, so there is nothing to rebuild from`)
  }
  const works = [...all.values()]
  const filled = new Map<Work, number>()
  for (const work of works) filled.set(work, await countTables(work.database))
  for (const [{ database }, tables] of filled) {
    if (tables > 0 && !overwriteLive) throw notEmpty(database, tables)
  }
  const rebuilt: Rebuilt[] = []
  for (const work of works) {
    rebuilt.push(
      await (filled.get(work) === 0
        ? rebuild(layout, work, work.database, progress)
        : besides(layout, work, progress)),
    )
  }
  return rebuilt
}

/** Rebuilds into a new database, and puts it in the place of the one that has tables. */
async function besides(
  layout: Layout,
  work: Work,
  progress: (message: string) => void,
): Promise<Rebuilt> {
  const { database } = work
  const target = database.on(restoredName(database.name, new Date()))
  await createLike(database, target.name)
  try {
    const rebuilt = await rebuild(layout, work, target, progress)
    const replaced = replacedName(database.name, new Date())
    await swapDatabases(database, target.name, replaced, progress)
    return { ...rebuilt, replaced }
  } catch (error) {
    await drop(database, target.name).catch(() => {})
    throw error
  }
}

type Found = { manifest: Manifest; folder: string }

async function newestOf(layout: Layout, name: string, own: readonly Found[]): Promise<Copy> {
  const last = own.findLast(({ manifest }) => !isArchived(manifest))
  if (!last || isArchived(last.manifest)) throw noCopy(layout, name)
  const { manifest, folder } = last
  const record = recordOf(manifest, folder)
  await refuseChanged(record, manifest, folder)
  return { record, manifest, folder }
}

/**
 * The archive that a database is rebuilt from. That of a cluster that is gone is restored to its
 * end. That of the very cluster would end with the loss itself, so there the newest record counts.
 */
async function archiveOf(
  layout: Layout,
  name: string,
  database: Database,
  archived: readonly ArchivedManifest[],
  lostAt: Date | undefined,
): Promise<NonNullable<Work['archive']>> {
  const live = await systemOf(serverOf(database))
  const others = archived.filter(({ point }) => point.system !== live)
  // Where it is said when it was lost, the newest from before that is what was lost.
  const gone = lostAt && archived.at(-1)?.point.system === live ? undefined : others.at(-1)
  const last = gone ?? archived.at(-1)
  if (!last) throw noCopy(layout, name)
  const { system, lsn } = last.point
  if ((await readBases(layout, system)).length === 0) throw noCopy(layout, name)
  return { name, system, target: gone ? 'latest' : { lsn }, id: last.id }
}

function noCopy(layout: Layout, name: string): Refused {
  return new Refused(
    `backups.${name} has no verified copy in ${layout.backups}, so not everything can be rebuilt; next: bring its folder back (of what is critical, ${layout.archive.repository} too), then sluice restore --disaster`,
  )
}

/** The newest of everything first, then what is of single tables and newer than it. */
function inOrder(copies: readonly Copy[]): Copy[] {
  const sorted = copies.toSorted((a, b) => takenAt(a) - takenAt(b))
  const whole = sorted.findLast(({ manifest }) => manifest.only === undefined)
  const parts = sorted.filter(({ manifest }) => manifest.only !== undefined)
  return whole ? [whole, ...parts.filter((part) => takenAt(part) > takenAt(whole))] : parts
}

const takenAt = ({ record }: Copy) => Date.parse(record.takenAt)

async function rebuild(
  layout: Layout,
  { database, archive, copies }: Work,
  target: Database,
  progress: (message: string) => void,
): Promise<Rebuilt> {
  const expected: Fingerprints = {}
  const from: Rebuilt['from'] = []
  let newer = inOrder(copies)
  if (archive) {
    const { name, id, ...source } = archive
    await withArchivedDump(
      layout,
      { ...source, database: database.name },
      progress,
      async ({ dump, tables, reached }) => {
        progress(`${database.name}: the archive of ${name}, up to ${reached ?? 'its base backup'}`)
        await restoreInto(dump, target)
        Object.assign(expected, tables)
        const at = reached ?? new Date(0).toISOString()
        from.push({ name, id: `archive ${id}`, takenAt: at })
        newer = newer.filter((copy) => takenAt(copy) > Date.parse(at))
      },
    )
  }
  for (const { record, folder } of newer) {
    progress(`${database.name}: ${record.name} ${record.id} of ${record.takenAt}`)
    // What stands there from an older copy of everything makes room for the newer one.
    const room = from.length > 0 ? ['--clean', '--if-exists'] : []
    await restoreInto(dumpOf(folder), target, room)
    Object.assign(expected, record.tables)
    from.push({ name: record.name, id: record.id, takenAt: record.takenAt })
  }
  const found = await figuresOf(target)
  refuseDifferent(expected, found, `the rebuilt database ${database.name}`)
  progress(`${database.name}: ${Object.keys(found).length} tables are as the records have them`)
  return { database: database.name, from, tables: found }
}

const serverOf = (database: Database) =>
  database.on(database.name === 'postgres' ? 'template1' : 'postgres')

/**
 * Makes the database where it is missing.
 * @returns how many tables it has
 */
async function countTables(database: Database): Promise<number> {
  await withSession(serverOf(database), async (client) => {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [
      database.name,
    ])
    if (rows.length === 0) await client.query(`create database ${quoteName(database.name)}`)
  })
  return Object.keys(await figuresOf(database)).length
}

function notEmpty({ name }: Database, tables: number): Refused {
  return new Refused(
    `${name} has ${tables} ${tables === 1 ? 'table' : 'tables'} already, and a rebuild goes only into an empty one; next, for a single database: sluice restore <name>; on a new machine, whose services have begun to fill it: sluice restore --disaster --since <when the old one was lost> --overwrite-live, which keeps it aside`,
  )
}
