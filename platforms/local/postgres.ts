import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import { findProgram } from '../../tools/programs.ts'
import { Unavailable } from '../platform.ts'
import { quoteName } from './database.ts'
import { databaseUrl, type Layout, POSTGRES_PORT } from './layout.ts'
import { ensureOwned, isRoot, serverUser } from './server-user.ts'

/** What the supervisor starts as the service `postgres`. */
export interface PostgresService {
  command: string[]
  environment: Record<string, string>
  cwd: string
  /** Given up to the unprivileged user where the caller is root. */
  user: 'postgres'
  /** Fast shutdown: sessions are cut and everything is written. */
  stopSignal: 'INT'
}

/** The command of the supervised server: no TCP, one socket that only its user reaches. */
export function postgresService(layout: Layout): PostgresService {
  const settings = {
    listen_addresses: '',
    port: String(POSTGRES_PORT),
    // A list in which a quoted name may hold a comma.
    unix_socket_directories: `"${layout.postgres.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    fsync: 'on',
    // Both need a restart to change, so they are there from the first: archiving is turned on and
    // off by archive_command, under traffic. Logical: a snapshot can be tied to a place in the WAL.
    archive_mode: 'on',
    wal_level: 'logical',
    log_destination: 'stderr',
    logging_collector: 'off',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return {
    command: [findProgram('postgres'), '-D', layout.postgres.data, ...options],
    environment: { LC_ALL: 'C' },
    cwd: layout.postgres.data,
    user: 'postgres',
    stopSignal: 'INT',
  }
}

/**
 * Makes the cluster once, as the unprivileged user where the caller is root, with the role
 * `sluice`. A second call changes nothing; one that was killed leaves nothing that counts.
 * @throws Error where the unprivileged user could not reach the data
 */
export async function ensureCluster(layout: Layout): Promise<void> {
  const { data, socketFolder } = layout.postgres
  await mkdir(dirname(data), { recursive: true, mode: 0o711 })
  if (isRoot()) await openTheWay(layout)
  await ensureOwned(socketFolder)
  if (existsSync(join(data, 'PG_VERSION'))) return
  const fresh = `${data}.initdb`
  await rm(fresh, { recursive: true, force: true })
  await ensureOwned(fresh)
  await initdb(fresh)
  // In place only when it is whole.
  await rename(fresh, data)
}

/** Waits for the server and makes the databases that are not there yet, owned by `sluice`. */
export async function ensureDatabases(layout: Layout, names: readonly string[]): Promise<void> {
  await waitReady(layout)
  const client = new pg.Client({ connectionString: databaseUrl(layout, 'postgres') })
  await client.connect()
  try {
    const { rows } = await client.query('select datname from pg_database')
    const present = new Set(rows.map(({ datname }) => datname))
    for (const name of names.filter((each) => !present.has(each))) {
      await client.query(`create database ${quoteName(name)}`).catch((error) => {
        // Another process was faster.
        if (error.code !== '42P04') throw error
      })
    }
  } finally {
    await client.end()
  }
}

/**
 * Returns once the server takes connections.
 * @param timeoutMs default 15 s; longer where it must first replay after a crash
 * @throws Unavailable with the server's last answer
 */
export async function waitReady(layout: Layout, timeoutMs = 15_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const client = new pg.Client({
      connectionString: databaseUrl(layout, 'postgres'),
      connectionTimeoutMillis: 2_000,
    })
    client.on('error', () => {})
    try {
      await client.connect()
      return
    } catch (error) {
      if (performance.now() > deadline) {
        throw new Unavailable(
          `PostgreSQL in ${layout.postgres.data} took no connection within ${timeoutMs} ms: ${(error as Error).message}; next: sluice doctor, and read ${join(layout.logs, 'postgres')}`,
        )
      }
      await pause(25)
    } finally {
      await client.end().catch(() => {})
    }
  }
}

/** The home is ours and may be opened for passing through; what lies above it is not. */
async function openTheWay({ home }: Layout): Promise<void> {
  const { mode } = await stat(home)
  if ((mode & 0o001) === 0) await chmod(home, (mode & 0o777) | 0o011)
  for (let folder = dirname(home); ; folder = dirname(folder)) {
    const above = await stat(folder)
    if ((above.mode & 0o001) === 0) {
      throw new Error(
        `PostgreSQL gives up root and could not pass through ${folder}, above the home ${home}; next: chmod o+x ${folder}, or choose another home with SLUICE_HOME`,
      )
    }
    if (folder === dirname(folder)) return
  }
}

function initdb(data: string): Promise<void> {
  const program = findProgram('initdb')
  const args = ['-D', data, '-U', 'sluice', '-E', 'UTF8', '--locale=C', '--data-checksums']
  const trust = ['--auth-local=trust', '--auth-host=reject']
  const child = spawn(program, [...args, ...trust], {
    cwd: data,
    env: { ...process.env, LC_ALL: 'C' },
    stdio: ['ignore', 'ignore', 'pipe'],
    ...serverUser(),
  })
  let said = ''
  child.stderr?.on('data', (chunk) => {
    said = `${said}${chunk}`.slice(-2_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      if (code === 0) resolve()
      else reject(new Error(`initdb could not make ${data}: ${said.trim() || `exit ${code}`}`))
    })
  })
}
