import pg from 'pg'
import { Refusal } from './huntred/http.ts'
import type { Metrics } from './metrics.ts'

/** A pool of connections that makes its tables when it can, and never gives up. */
export interface Store {
  query<T = Record<string, unknown>>(text: string, values?: unknown[]): Promise<T[]>
  /** All or nothing. */
  transaction<T>(work: (query: Store['query']) => Promise<T>): Promise<T>
  close(): Promise<void>
}

export const POOL = 8

/**
 * @param variable the environment variable that carries the address
 * @param schema statements that may be run again and again
 */
export function open(variable: string, schema = '', metrics?: Metrics): Store {
  const connectionString = process.env[variable]
  if (!connectionString) {
    console.error(`${variable}: is not set; give postgres://… in the environment`)
    process.exit(2)
  }
  const pool = new pg.Pool({ connectionString, max: POOL, connectionTimeoutMillis: 2_000 })
  pool.on('error', () => undefined)
  metrics?.gauge('db_connections', () => pool.totalCount - pool.idleCount)
  metrics?.gauge('db_connections_limit', () => POOL)
  if (metrics) metrics.add('db_slow_queries_total', 0)

  let ready: Promise<void> | undefined
  const prepare = () => {
    ready ??= create().catch((error: unknown) => {
      ready = undefined
      throw error
    })
    return ready
  }
  const create = async () => {
    if (schema === '') return
    const client = await pool.connect()
    try {
      // Two that start together must not both create: "if not exists" alone races.
      await client.query(`begin; select pg_advisory_xact_lock(4820118); ${schema}; commit`)
      client.release()
    } catch (error) {
      client.release(true)
      throw error
    }
  }
  void prepare().catch(() => undefined)

  const query: Store['query'] = async <T>(text: string, values: unknown[] = []) => {
    const from = performance.now()
    try {
      await prepare()
      const { rows } = await pool.query(text, values)
      if (performance.now() - from > 500) metrics?.add('db_slow_queries_total')
      return rows as T[]
    } catch (error) {
      const code = (error as { code?: string }).code
      // Without a state, or of these classes, the server is away; anything else is a mistake here.
      if (code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(08|53|57P)/.test(code)) {
        throw new Refusal(503, 'unavailable', 'the database cannot be reached')
      }
      throw error
    }
  }
  return {
    query,
    async transaction(work) {
      await prepare()
      const client = await pool.connect()
      try {
        await client.query('begin')
        const result = await work(async <T>(text: string, values: unknown[] = []) => {
          const { rows } = await client.query(text, values)
          return rows as T[]
        })
        await client.query('commit')
        client.release()
        return result
      } catch (error) {
        client.release(true)
        throw error
      }
    },
    close: () => pool.end(),
  }
}
