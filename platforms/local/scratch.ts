import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { findProgram } from '../../tools/programs.ts'
import { Refused } from '../platform.ts'
import { type Database, quoteName, quoteText, runProgram, withSession } from './database.ts'

/** A scratch database that no session uses is leftover when it is older than this. */
const LEFTOVER_MS = 3_600_000

/** PostgreSQL's codes for a name that is taken, and for what a role may not. */
const DUPLICATE_DATABASE = '42P04'
const INSUFFICIENT_PRIVILEGE = '42501'

const SCRATCH = /^sluice_scratch_(\d{10,})_[0-9a-f]{6}$/

/** A name that says what it is and since when, so that only ours are ever dropped. */
export function scratchName(now: Date): string {
  return `sluice_scratch_${Math.floor(now.getTime() / 1_000)}_${randomBytes(3).toString('hex')}`
}

/** True for the name of a scratch database that is old enough to be nobody's work. */
export function isLeftover(name: string, now: Date): boolean {
  const since = SCRATCH.exec(name)?.[1]
  return since !== undefined && now.getTime() - Number(since) * 1_000 > LEFTOVER_MS
}

/**
 * Makes an empty database like another one: same encoding and collation, owned by the session's role.
 * @throws Refused where the role may not, or the name is taken
 */
export async function createLike(source: Database, name: string): Promise<void> {
  await withSession(source, async (client) => {
    try {
      await client.query(`create database ${quoteName(name)} ${await likeness(client)}`)
    } catch (error) {
      const { code } = error as { code?: string }
      if (code === DUPLICATE_DATABASE) {
        throw new Refused(
          `the database ${name} exists already, and this needs a new one; next: give another name, or drop that one first`,
        )
      }
      if (code !== INSUFFICIENT_PRIVILEGE) throw error
      const { rows } = await client.query('select current_user as role')
      throw new Refused(
        `role ${rows[0].role} may not create a database beside ${source.name}, which a verified restore needs; next: alter role ${quoteName(rows[0].role)} createdb, or verify: list in the plan`,
      )
    }
  })
}

/** Drops a database that this program made; its sessions are cut. */
export async function drop(source: Database, name: string): Promise<void> {
  await withSession(source, async (client) => {
    await client.query(`drop database if exists ${quoteName(name)} with (force)`)
  })
}

/**
 * Drops scratch databases: the named ones, whose work is known to be dead, and old ones that no
 * session uses. Never another database.
 */
export async function dropLeftovers(
  source: Database,
  dead: readonly string[],
  now: Date,
): Promise<string[]> {
  return withSession(source, async (client) => {
    const { rows } = await client.query<{ name: string; busy: boolean }>(
      `select datname as name, exists (
         select from pg_stat_activity a where a.datid = d.oid) as busy
       from pg_database d where pg_catalog.pg_get_userbyid(datdba) = current_user`,
    )
    const gone = rows
      .filter(({ name }) => SCRATCH.test(name))
      .filter(({ name, busy }) => dead.includes(name) || (!busy && isLeftover(name, now)))
      .map(({ name }) => name)
    for (const name of gone) {
      await client.query(`drop database if exists ${quoteName(name)} with (force)`)
    }
    return gone
  })
}

/** Restores a dump into an empty database, all of it or an error. */
export async function restoreInto(
  dump: string,
  target: Database,
  more: readonly string[] = [],
): Promise<void> {
  const options = ['--exit-on-error', '--no-password', ...more, `--dbname=${target.address}`]
  await runProgram(findProgram('pg_restore'), [...options, dump], target)
}

async function likeness(client: pg.Client): Promise<string> {
  const { rows } = await client.query(
    `select to_jsonb(d) as d, pg_encoding_to_char(encoding) as encoding
     from pg_database d where datname = current_database()`,
  )
  const { d, encoding } = rows[0]
  const options = [
    'template template0',
    `encoding ${quoteText(encoding)}`,
    `lc_collate ${quoteText(d.datcollate)}`,
    `lc_ctype ${quoteText(d.datctype)}`,
  ]
  // Since PostgreSQL 15 a database may sort by ICU; the column's name changed in 17.
  const icu = d.daticulocale ?? d.datlocale
  if (d.datlocprovider === 'i' && icu) {
    options.push('locale_provider icu', `icu_locale ${quoteText(icu)}`)
  }
  return options.join(' ')
}
