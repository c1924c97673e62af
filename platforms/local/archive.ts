import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { z } from 'zod'
import { Refused } from '../platform.ts'
import { type Database, databaseAt, quoteText, withSession } from './database.ts'
import { writeDurably } from './durable-file.ts'
import { databaseUrl, type Layout } from './layout.ts'
import { pgbackrest, writeRepository } from './pgbackrest.ts'
import { ARCHIVE_LIMITS, type ArchiveLimits, pushScript } from './push-script.ts'
import { shellWord } from './run-script.ts'
import { giveToServer } from './server-user.ts'
import { waitFor } from './wait-for.ts'

/** How the supervised cluster is archived. */
export interface Archiving {
  /** A WAL file is closed and archived after this time, however little stands in it. */
  timeoutSeconds: number
}

const archivingSchema = z.object({ system: z.string(), timeoutSeconds: z.number() })

/** Takes no file and fails for none: archiving can be turned on later without a restart. */
const NOTHING = 'exit 0'

/** A database of the supervised cluster, by the socket that only this user reaches. */
export const ownDatabase = (layout: Layout, name: string, port?: number): Database =>
  databaseAt(databaseUrl(layout, name, port), 'the supervised PostgreSQL')

/** True for a database of the supervised cluster, which alone can be archived from here. */
export function isOwn(layout: Layout, database: Database): boolean {
  const { searchParams } = new URL(database.secretUrl)
  return searchParams.get('host') === layout.postgres.socketFolder
}

/**
 * Turns continuous archiving on or off, under traffic: nothing restarts. The server must run.
 * @param wanted undefined turns it off; what is archived stays
 * @throws Refused where the server was started before it could be archived
 */
export async function setArchiving(
  layout: Layout,
  wanted: Archiving | undefined,
  limits: ArchiveLimits = ARCHIVE_LIMITS,
): Promise<void> {
  await withSession(ownDatabase(layout, 'postgres'), async (client) => {
    const now = await settingsOf(client)
    if (!wanted) {
      await change(client, now, { command: NOTHING, timeout: '0' })
      await rm(settingsFile(layout), { force: true })
      return
    }
    if (now.mode !== 'on' || now.level !== 'logical') {
      throw new Refused(
        `the PostgreSQL server of ${layout.home} runs with archive_mode ${now.mode} and wal_level ${now.level}, and cannot be archived; next: sluice doctor, then pulumi up`,
      )
    }
    await writeRepository(layout, now.system)
    writeDurably(layout.archive.push, pushScript(layout, now.system, limits), 0o700)
    await giveToServer(layout.archive.push)
    await pgbackrest(layout, now.system, 'stanza-create')
    const command = `${shellWord(layout.archive.push).replaceAll('%', '%%')} %p`
    const timeout = String(wanted.timeoutSeconds)
    const began = now.command !== command
    await change(client, now, { command, timeout })
    if (began) {
      // What was written until now is in no archive, so that a base backup must come after it.
      const { rows } = await client.query('select pg_walfile_name(pg_current_wal_lsn()) as name')
      const line = `${rows[0].name} ${new Date().toISOString()} ${now.system}\n`
      await appendFile(layout.archive.gaps, line, { mode: 0o600 })
      await giveToServer(layout.archive.gaps)
    }
    const settings = { system: now.system, timeoutSeconds: wanted.timeoutSeconds }
    writeDurably(settingsFile(layout), JSON.stringify(settings))
  })
}

/**
 * True for a running server that must be restarted before it can be archived; what it holds is
 * written out, so that the restart is short.
 */
export async function needsRestart(layout: Layout): Promise<boolean> {
  return withSession(ownDatabase(layout, 'postgres'), async (client) => {
    const { mode, level } = await settingsOf(client)
    if (mode === 'on' && level === 'logical') return false
    await client.query('checkpoint')
    return true
  }).catch(() => false)
}

/** How the cluster is archived, and its system identifier; undefined where it is not. */
export async function readArchiving(
  layout: Layout,
): Promise<(Archiving & { system: string }) | undefined> {
  try {
    return archivingSchema.parse(JSON.parse(await readFile(settingsFile(layout), 'utf8')))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const settingsFile = ({ archive }: Layout) => join(archive.folder, 'archiving.json')

/** The identifier that a cluster was given when it was made. */
export async function systemOf(database: Database): Promise<string> {
  const { rows } = await withSession(database, (client) =>
    client.query('select system_identifier::text as system from pg_control_system()'),
  )
  return rows[0].system
}

interface Settings {
  system: string
  mode: string
  level: string
  command: string
  timeout: string
}

async function settingsOf(client: pg.Client): Promise<Settings> {
  const { rows } = await client.query(
    `select (select system_identifier::text from pg_control_system()) as system,
       current_setting('archive_mode') as mode, current_setting('wal_level') as level,
       (select setting from pg_settings where name = 'archive_command') as command,
       (select setting from pg_settings where name = 'archive_timeout') as timeout`,
  )
  return rows[0]
}

async function change(
  client: pg.Client,
  now: Settings,
  next: { command: string; timeout: string },
): Promise<void> {
  if (now.command === next.command && now.timeout === next.timeout) return
  await client.query(`alter system set archive_command = ${quoteText(next.command)}`)
  await client.query(`alter system set archive_timeout = ${quoteText(next.timeout)}`)
  await client.query('select pg_reload_conf()')
  const taken = async () => {
    const { command, timeout } = await settingsOf(client)
    return command === next.command && timeout === next.timeout
  }
  await waitFor(taken, { timeoutMs: 15_000, what: 'PostgreSQL to take its new settings' })
}
