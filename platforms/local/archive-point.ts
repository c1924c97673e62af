import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { Refused } from '../platform.ts'
import { type Database, quoteText, withSession } from './database.ts'
import { type Fingerprints, fingerprintTables, LOCK_TIMEOUT } from './fingerprint.ts'
import type { Layout } from './layout.ts'
import { waitFor } from './wait-for.ts'

/** A place in the WAL, and what stood there. */
export interface Point {
  /** Exactly what was committed before it is in {@link tables}. */
  lsn: string
  /** The WAL file that must be archived, so that a restore can end at the point. */
  segment: string
  /** ISO 8601, by the server's clock. */
  at: string
  tables: Fingerprints
}

/** How long the archive may take for a WAL file. */
const ARCHIVED_MS = 60_000

/**
 * Counts and fingerprints the tables at one place in the WAL, while writers run: a logical slot
 * is made at a place and exports the very snapshot that stands there. Nothing is locked. It waits
 * for the writing transactions that are open, as long as a dump waits for a lock.
 * @param only these tables of the schema public; default all
 */
export async function takePoint(database: Database, only?: readonly string[]): Promise<Point> {
  const { lsn, at, tables } = await withSession(
    database,
    async (replication) => {
      await replication.query(`set lock_timeout = '${LOCK_TIMEOUT}'`)
      const slot = await createSlot(replication, database)
      const counted = await withSession(database, async (client) => {
        await client.query('begin isolation level repeatable read, read only')
        await client.query(`set transaction snapshot ${quoteText(slot.snapshot)}`)
        const { rows } = await client.query('select clock_timestamp() as at')
        const found = await fingerprintTables(client, only)
        await refuseUnlogged(client, Object.keys(found))
        return { at: (rows[0].at as Date).toISOString(), tables: found }
      })
      return { lsn: slot.lsn, ...counted }
    },
    'replication',
  )
  return { lsn, at, tables, segment: await switchWal(database) }
}

/**
 * Writes a mark and a commit, and closes the WAL file: what was committed before can be restored
 * once the file is archived.
 * @returns the file's name
 */
export async function switchWal(database: Database): Promise<string> {
  return withSession(database, async (client) => {
    // A restore to a time ends at the first commit after it, so that there must be one.
    await client.query('select pg_current_xact_id()')
    const { rows } = await client.query(
      `select pg_walfile_name(pg_create_restore_point('sluice')) as segment`,
    )
    await client.query('select pg_switch_wal()')
    return rows[0].segment
  })
}

/** Waits until PostgreSQL has handed a WAL file to the archive. */
export async function untilArchived(
  layout: Layout,
  database: Database,
  segment: string,
  timeoutMs = ARCHIVED_MS,
): Promise<void> {
  const file = join(layout.postgres.data, 'pg_wal', segment)
  const mark = join(layout.postgres.data, 'pg_wal', 'archive_status', segment)
  let nudgedAt = performance.now()
  const archived = async () => {
    // A file that is archived may be gone already, and its mark with it.
    const waits = existsSync(`${mark}.ready`)
    if (!waits && (existsSync(`${mark}.done`) || !existsSync(file))) return true
    // After a failure PostgreSQL waits up to a minute; a new file makes it try at once.
    if (waits && performance.now() - nudgedAt > 5_000) {
      nudgedAt = performance.now()
      await switchWal(database)
    }
    return false
  }
  await waitFor(archived, { timeoutMs, what: `${segment} to be archived` }).catch(async () => {
    const why = await readFile(layout.archive.failure, 'utf8').catch(() => '')
    throw new Refused(
      `WAL file ${segment} was not archived within ${timeoutMs / 1_000} s${why ? `: ${why.trim()}` : ''}; next: sluice doctor`,
    )
  })
}

async function createSlot(
  replication: pg.Client,
  database: Database,
): Promise<{ lsn: string; snapshot: string }> {
  const name = `sluice_${process.pid}_${randomBytes(4).toString('hex')}`
  try {
    const { rows } = await replication.query(
      `CREATE_REPLICATION_SLOT "${name}" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'export')`,
    )
    return { lsn: rows[0].consistent_point, snapshot: rows[0].snapshot_name }
  } catch (error) {
    if ((error as { code?: string }).code !== '55P03') throw error
    throw new Refused(`${await longest(database)}; next: end it, and take the backup again`)
  }
}

async function longest(database: Database): Promise<string> {
  const rows = await withSession(database, async (client) => {
    const found = await client.query(
      `select pid, coalesce(application_name, '') as name, xact_start as since from pg_stat_activity
       where backend_xid is not null and pid <> pg_backend_pid() order by xact_start limit 1`,
    )
    return found.rows
  })
  const who = rows[0]
    ? `: process ${rows[0].pid} (${rows[0].name}), open since ${(rows[0].since as Date).toISOString()}`
    : ''
  return `a transaction that writes did not end within ${LOCK_TIMEOUT}${who}`
}

/** An unlogged table is in no WAL: a restore would find it empty. */
async function refuseUnlogged(client: pg.Client, tables: readonly string[]): Promise<void> {
  const { rows } = await client.query(
    `select n.nspname || '.' || c.relname as name
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and c.relpersistence = 'u'`,
  )
  const unlogged = rows.map(({ name }) => name).filter((name) => tables.includes(name))
  if (unlogged.length === 0) return
  throw new Refused(
    `${unlogged.join(', ')} is unlogged, so that no archive has its rows; next: alter table … set logged, or name the backup's tables without it`,
  )
}
