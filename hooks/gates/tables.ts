import type pg from 'pg'
import { type Database, quoteName, quoteText, withSession } from '../../platforms/local/database.ts'
import { ONE_SPELLING, USER_TABLES } from '../../platforms/local/fingerprint.ts'
import {
  type Aspect,
  compareRows,
  type RowDifferences,
  type TableState,
} from '../../rollout/data-comparison.ts'

/** Above this many rows, a table that differs is told by its figures alone. */
const MOST_ROWS = 100_000

export interface Pair {
  table: string
  blue?: TableState
  green?: TableState
}

/** Every user table of a database, as `schema.name`. */
export function tablesOf(database: Database): Promise<string[]> {
  return withSession(database, async (client) => {
    const { rows } = await client.query<{ schema: string; name: string }>(USER_TABLES)
    return rows.map(({ schema, name }) => `${schema}.${name}`)
  })
}

/** Looks at the same tables of both databases, in one snapshot each. */
export async function lookAtTables(
  blue: Database,
  green: Database,
  tables: readonly string[],
  by: readonly Aspect[],
): Promise<Pair[]> {
  return inSnapshot(blue, (ours) =>
    inSnapshot(green, async (theirs) => {
      const pairs: Pair[] = []
      for (const table of tables) {
        const columns = [await columnsOf(ours, table), await columnsOf(theirs, table)] as const
        // Green may have columns of its own: what blue has is what must be there.
        const shared = columns[0] && columns[1] && Object.keys(columns[0])
        const has = shared?.every((name) => Object.hasOwn(columns[1] ?? {}, name)) ?? false
        const read = async (client: pg.Client, own: TableState['columns'] | undefined) =>
          own && {
            columns: own,
            rows: await countOf(client, table),
            ...(by.includes('fingerprint') && shared && has
              ? { fingerprint: await fingerprintOf(client, table, shared) }
              : {}),
            keys: by.includes('schema') ? await keysOf(client, table) : [],
          }
        pairs.push({
          table,
          blue: await read(ours, columns[0]),
          green: await read(theirs, columns[1]),
        })
      }
      return pairs
    }),
  )
}

/**
 * Which rows differ, by the primary key of blue's table.
 * @returns undefined where there is none, where green lacks columns, or where there are too many rows
 */
export async function lookAtRows(
  blue: Database,
  green: Database,
  table: string,
  ours: TableState,
  theirs: TableState,
): Promise<RowDifferences | undefined> {
  const columns = Object.keys(ours.columns)
  if (!columns.every((name) => Object.hasOwn(theirs.columns, name))) return undefined
  if ([ours, theirs].some(({ rows }) => BigInt(rows) > BigInt(MOST_ROWS))) return undefined
  return inSnapshot(blue, async (one) => {
    const key = await primaryKeyOf(one, table)
    if (key.length === 0) return undefined
    const mine = await rowsOf(one, table, key, columns)
    return inSnapshot(green, async (other) =>
      compareRows(mine, await rowsOf(other, table, key, columns)),
    )
  })
}

function inSnapshot<T>(database: Database, use: (client: pg.Client) => Promise<T>): Promise<T> {
  return withSession(database, async (client) => {
    await client.query('begin isolation level repeatable read read only')
    await client.query(ONE_SPELLING)
    return use(client)
  })
}

async function columnsOf(
  client: pg.Client,
  table: string,
): Promise<Record<string, string> | undefined> {
  const { rows } = await client.query<{ name: string; type: string; nullable: boolean }>(
    `select column_name as name, is_nullable = 'YES' as nullable,
       case when data_type in ('ARRAY', 'USER-DEFINED') then udt_name else data_type end
         || case when character_maximum_length is not null
              then '(' || character_maximum_length || ')'
            when data_type = 'numeric' and numeric_precision is not null
              then '(' || numeric_precision || ',' || numeric_scale || ')'
            else '' end as type
     from information_schema.columns
     where table_schema = ${quoteText(schemaOf(table))} and table_name = ${quoteText(nameOf(table))}
     order by ordinal_position`,
  )
  if (rows.length === 0) return undefined
  return Object.fromEntries(
    rows.map(({ name, type, nullable }) => [name, nullable ? type : `${type} not null`]),
  )
}

async function keysOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>(
    `select c.constraint_type || ' (' || string_agg(k.column_name, ', ' order by k.ordinal_position)
       || ')' as key
     from information_schema.table_constraints c
     join information_schema.key_column_usage k using (constraint_schema, constraint_name)
     where c.table_schema = ${quoteText(schemaOf(table))}
       and c.table_name = ${quoteText(nameOf(table))}
       and k.table_schema = c.table_schema and k.table_name = c.table_name
       and c.constraint_type in ('PRIMARY KEY', 'UNIQUE', 'FOREIGN KEY')
     group by c.constraint_name, c.constraint_type order by 1`,
  )
  return rows.map(({ key }) => key)
}

async function primaryKeyOf(client: pg.Client, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select a.attname as name from pg_catalog.pg_index i
     join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
     where i.indisprimary and i.indrelid = ${quoteText(quoted(table))}::pg_catalog.regclass
     order by pg_catalog.array_position(i.indkey::pg_catalog.int2[], a.attnum)`,
  )
  return rows.map(({ name }) => name)
}

async function countOf(client: pg.Client, table: string): Promise<string> {
  const { rows } = await client.query(`select count(*)::text as rows from ${quoted(table)}`)
  return rows[0].rows
}

async function fingerprintOf(
  client: pg.Client,
  table: string,
  columns: readonly string[],
): Promise<string> {
  const { rows } = await client.query(
    `select coalesce(sum(${rowHash(columns)}::numeric), 0)::text as fingerprint
     from ${quoted(table)} as t`,
  )
  return rows[0].fingerprint
}

async function rowsOf(
  client: pg.Client,
  table: string,
  key: readonly string[],
  columns: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await client.query<{ key: string; row: string }>(
    `select concat_ws(', ', ${key.map((name) => `t.${quoteName(name)}::text`).join(', ')}) as key,
       ${rowHash(columns)}::text as row
     from ${quoted(table)} as t`,
  )
  return new Map(rows.map(({ key, row }) => [key, row]))
}

/** As platforms/local/fingerprint.ts has it, over blue's columns in blue's order. */
function rowHash(columns: readonly string[]): string {
  const row = columns.map((name) => `t.${quoteName(name)}`).join(', ')
  return `hashtextextended(row(${row})::text collate "C", 0)`
}

const schemaOf = (table: string) => table.slice(0, table.indexOf('.'))
const nameOf = (table: string) => table.slice(table.indexOf('.') + 1)
const quoted = (table: string) => `${quoteName(schemaOf(table))}.${quoteName(nameOf(table))}`
