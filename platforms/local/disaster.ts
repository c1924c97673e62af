import { join } from 'node:path'
import type { BackupRecord } from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { Refused } from '../platform.ts'
import { dumpOf, type Manifest, readManifest } from './backup-folder.ts'
import { type Environment, resolveDatabase } from './backup-source.ts'
import { listBackups } from './backups.ts'
import { type Database, quoteName, withSession } from './database.ts'
import { refuseChanged } from './dump.ts'
import { type Fingerprints, figuresOf, refuseDifferent } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { restoreInto } from './scratch.ts'

/** A database that was rebuilt. */
export interface Rebuilt {
  database: string
  /** The backups that it was rebuilt from, the oldest first. */
  from: { name: string; id: string; takenAt: string }[]
  tables: Fingerprints
}

interface Copy {
  record: BackupRecord
  manifest: Manifest
  folder: string
}

/**
 * Rebuilds every database that the plan backs up, each from its newest verified backups, on a server
 * where they are empty or missing. A backup of everything goes first, then those of single tables
 * that are newer. Every table is compared with the records at the end.
 *
 * @throws Refused before anything is written where a backup is missing or damaged, or a database
 *   has tables already; afterwards where a table differs
 */
export async function rebuildDatabases(
  layout: Layout,
  plan: Pick<Plan, 'name' | 'backups'>,
  environment: Environment,
  progress: (message: string) => void = () => {},
): Promise<Rebuilt[]> {
  const work = new Map<string, { database: Database; copies: Copy[] }>()
  const records = await listBackups(layout)
  for (const [name, backup] of Object.entries(plan.backups)) {
    const copy = await newestOf(layout, name, records)
    const database = resolveDatabase(name, backup.postgres, environment)
    const entry = work.get(backup.postgres) ?? { database, copies: [] }
    entry.copies.push(copy)
    work.set(backup.postgres, entry)
  }
  if (work.size === 0) {
    throw new Refused(`the plan ${plan.name} has no backups, so there is nothing to rebuild from`)
  }
  for (const { database } of work.values()) await ensureEmpty(database)
  const rebuilt: Rebuilt[] = []
  for (const { database, copies } of work.values()) {
    rebuilt.push(await rebuild(database, inOrder(copies), progress))
  }
  return rebuilt
}

async function newestOf(
  layout: Layout,
  name: string,
  records: readonly BackupRecord[],
): Promise<Copy> {
  const record = records.findLast((each) => each.name === name && each.verifiedAt !== undefined)
  if (!record) {
    throw new Refused(
      `backups.${name} has no verified copy in ${layout.backups}, so not everything can be rebuilt; next: bring its folder back, then sluice restore --disaster`,
    )
  }
  const folder = join(layout.backups, record.name, record.id)
  const manifest = await readManifest(folder)
  await refuseChanged(record, manifest, folder)
  return { record, manifest, folder }
}

/** The newest of everything first, then what is of single tables and newer than it. */
function inOrder(copies: readonly Copy[]): Copy[] {
  const at = ({ record }: Copy) => Date.parse(record.takenAt)
  const sorted = copies.toSorted((a, b) => at(a) - at(b))
  const whole = sorted.findLast(({ manifest }) => manifest.only === undefined)
  const parts = sorted.filter(({ manifest }) => manifest.only !== undefined)
  return whole ? [whole, ...parts.filter((part) => at(part) > at(whole))] : parts
}

async function rebuild(
  database: Database,
  copies: readonly Copy[],
  progress: (message: string) => void,
): Promise<Rebuilt> {
  const expected: Fingerprints = {}
  for (const [index, { record, folder }] of copies.entries()) {
    progress(`${database.name}: ${record.name} ${record.id} of ${record.takenAt}`)
    // What stands there from an older copy of everything makes room for the newer one.
    await restoreInto(dumpOf(folder), database, index > 0 ? ['--clean', '--if-exists'] : [])
    Object.assign(expected, record.tables)
  }
  const found = await figuresOf(database)
  refuseDifferent(expected, found, `the rebuilt database ${database.name}`)
  progress(`${database.name}: ${Object.keys(found).length} tables are as the records have them`)
  const from = copies.map(({ record: { name, id, takenAt } }) => ({ name, id, takenAt }))
  return { database: database.name, from, tables: found }
}

/** Makes the database where it is missing; one with tables is not touched. */
async function ensureEmpty(database: Database): Promise<void> {
  const server = database.on(database.name === 'postgres' ? 'template1' : 'postgres')
  await withSession(server, async (client) => {
    const { rows } = await client.query('select 1 from pg_database where datname = $1', [
      database.name,
    ])
    if (rows.length === 0) await client.query(`create database ${quoteName(database.name)}`)
  })
  const tables = Object.keys(await figuresOf(database))
  if (tables.length === 0) return
  throw new Refused(
    `${database.name} has ${tables.length} tables already (${tables.slice(0, 5).join(', ')}); a rebuild goes only into an empty one; next: sluice restore <name> for a single database, or move it aside`,
  )
}
