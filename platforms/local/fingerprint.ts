import type pg from 'pg'
import type { BackupRecord } from '../../rollout/journal.ts'
import { Refused } from '../platform.ts'
import { type Database, quoteName, withSession } from './database.ts'

/** Rows and fingerprint by table, `schema.table`, both as exact text. */
export type Fingerprints = BackupRecord['tables']

/** How long a table's lock is waited for, by count and by dump: a migration may hold it. */
export const LOCK_TIMEOUT = '30s'

/**
 * A row's text must not depend on who asks: dates, intervals, floats and names are written one
 * way, and row security hides nothing without saying so.
 */
export const ONE_SPELLING = `
  set local datestyle = 'ISO, YMD';
  set local timezone = 'UTC';
  set local intervalstyle = 'iso_8601';
  set local extra_float_digits = 3;
  set local bytea_output = 'hex';
  set local xmlbinary = 'base64';
  set local lc_monetary = 'C';
  set local row_security = off;
  set local lock_timeout = '${LOCK_TIMEOUT}';
  set local search_path = ''`

/** Tables with rows of their own; those of an extension are the extension's to restore. */
export const USER_TABLES = `
  select n.nspname as schema, c.relname as name
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind = 'r' and c.relpersistence <> 't'
    and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
    and not exists (
      select from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        and d.objid = c.oid and d.deptype = 'e')
  order by 1, 2`

/** The SQL that counts and fingerprints one table; its own rows only, without its heirs'. */
export function fingerprintQuery(schema: string, table: string): string {
  // (t.*)::text is the row even where a column is called t.
  return `select count(*)::text as rows,
    coalesce(sum(hashtextextended((t.*)::text collate "C", 0)::numeric), 0)::text as fingerprint
    from only ${quoteName(schema)}.${quoteName(table)} as t`
}

/**
 * Counts and fingerprints every user table of every schema. The session must be inside a
 * transaction that sees one snapshot.
 * @param only these tables of the schema public; default all
 */
export async function fingerprintTables(
  client: pg.Client,
  only?: readonly string[],
): Promise<Fingerprints> {
  await client.query(ONE_SPELLING)
  const { rows: tables } = await client.query<{ schema: string; name: string }>(USER_TABLES)
  const found: Fingerprints = {}
  for (const { schema, name } of tables) {
    if (only && !(schema === 'public' && only.includes(name))) continue
    const { rows } = await client.query(fingerprintQuery(schema, name))
    found[`${schema}.${name}`] = { rows: rows[0].rows, fingerprint: rows[0].fingerprint }
  }
  return found
}

/**
 * What differs, one sentence a table with both figures.
 * @param expected the record's
 * @param found the restored database's
 */
export function differences(expected: Fingerprints, found: Fingerprints): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort()
  return names.flatMap((name) => {
    const [a, b] = [expected[name], found[name]]
    if (!a) return [`table ${name} is not in the record, but was restored with ${b?.rows} rows`]
    if (!b) return [`table ${name} has ${a.rows} rows in the record, but was not restored`]
    if (a.rows !== b.rows) {
      return [`table ${name} has ${a.rows} rows in the record, ${b.rows} restored`]
    }
    if (a.fingerprint !== b.fingerprint) {
      return [
        `table ${name} has ${a.rows} rows in both, but fingerprint ${a.fingerprint} in the record, ${b.fingerprint} restored`,
      ]
    }
    return []
  })
}

/**
 * Counts and fingerprints every table of a database.
 * @param only these tables of the schema public; default all
 */
export function figuresOf(database: Database, only?: readonly string[]): Promise<Fingerprints> {
  return withSession(database, async (client) => {
    await client.query('begin isolation level repeatable read, read only')
    return fingerprintTables(client, only)
  })
}

/** @throws Refused naming each table that differs, with both figures */
export function refuseDifferent(expected: Fingerprints, found: Fingerprints, what: string): void {
  const differing = differences(expected, found)
  if (differing.length > 0) throw new Refused(`${what} differs: ${differing.join('; ')}`)
}

/** `1 table`, `7 tables` */
export const countTables = (tables: Fingerprints) => {
  const number = Object.keys(tables).length
  return number === 1 ? '1 table' : `${number} tables`
}
