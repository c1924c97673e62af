import { readFile } from 'node:fs/promises'
import pg from 'pg'

/** The database is away, starting or has no tables yet; the same request may succeed later. */
export class Unavailable extends Error {}

export type Database = {
  /** Rows of a query; `name` keeps it prepared on the connection. Throws Unavailable. */
  query<T>(text: string, values?: unknown[], name?: string): Promise<T[]>
  /** Whether the last contact with the database succeeded; answers at once. */
  up(): boolean
  close(): Promise<void>
}

const present = `select to_regclass('business_units') is not null
  and to_regclass('persons') is not null and to_regclass('proposals') is not null as present`

// Two services that start together must not both create: "if not exists" alone races in the catalogue.
const lock = 'select pg_advisory_xact_lock(4820117)'

/** Errors of a connection have no SQLSTATE; classes 08, 53 and 57P say the server cannot serve. */
export const isAway = (error: unknown): boolean => {
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || !/^[0-9A-Z]{5}$/.test(code)) return true
  return /^(08|53|57P|57014|42P01)/.test(code)
}

const applySchema = async (pool: pg.Pool, from?: number) => {
  const schema = await readFile(new URL('schema.sql', import.meta.url), 'utf8')
  const client = await pool.connect()
  try {
    await client.query('begin')
    await client.query(lock)
    await client.query(schema)
    for (const table of from === undefined ? [] : ['persons', 'proposals']) {
      await client.query("select setval(pg_get_serial_sequence($1, 'id'), $2)", [table, from])
    }
    await client.query('commit')
    client.release()
  } catch (error) {
    client.release(true)
    throw error
  }
}

/**
 * Milliseconds that a request waits for a connection, and half of those it waits for rows:
 * EXAMPLE_PATIENCE, by default 1,000. Where a machine is busy, late is not lost.
 */
const patienceMs = Number(process.env['EXAMPLE_PATIENCE'] ?? 1_000)

/**
 * Opens a pool that never gives up: it makes the tables when it can, and looks every second.
 * @param from where the ids of new rows begin
 */
export const connect = (url: string, from?: number): Database => {
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: patienceMs,
    query_timeout: 2 * patienceMs,
    keepAlive: true,
  })
  // an idle connection that the server ends is not this process's end
  pool.on('error', () => undefined)
  let up = false
  let closed = false
  let timer: NodeJS.Timeout | undefined

  const look = async () => {
    try {
      const { rows } = await pool.query<{ present: boolean }>(present)
      if (!rows[0]?.present) await applySchema(pool, from)
      up = true
    } catch {
      up = false
    }
    if (!closed) timer = setTimeout(look, up ? 1000 : 250).unref()
  }
  void look()

  return {
    async query<T>(text: string, values: unknown[] = [], name?: string) {
      try {
        const { rows } = await pool.query(name ? { name, text, values } : { text, values })
        up = true
        return rows as T[]
      } catch (error) {
        if (!isAway(error)) throw error
        up = false
        throw new Unavailable('the database cannot be reached', { cause: error })
      }
    },
    up: () => up,
    async close() {
      closed = true
      clearTimeout(timer)
      await pool.end()
    },
  }
}
