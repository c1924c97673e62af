import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { findProgram } from '../../tools/programs.ts'
import { Refused } from '../platform.ts'
import { ownDatabase } from './archive.ts'
import { type Progress, since } from './backup-source.ts'
import { type Database, withSession } from './database.ts'
import { writeDurably } from './durable-file.ts'
import type { Layout } from './layout.ts'
import { boundTo, iniOf, pgbackrest, plainEnvironment, stanzaOf } from './pgbackrest.ts'
import { processesOf, signalProcess, startOf } from './processes.ts'
import { shellWord } from './run-script.ts'
import { ensureOwned, giveToServer, serverUser } from './server-user.ts'
import { waitFor } from './wait-for.ts'

/** Where a restore ends: exactly before a place in the WAL, at a time, or with the archive. */
export type Target = { lsn: string } | { time: Date } | 'latest'

/** A copy of the whole cluster that runs for a while, on a socket beside the live one's. */
export interface RestoredCluster {
  database(name: string): Database
  /** When the last transaction that it holds was committed; undefined where none was since its base. */
  reached?: string
  /** A folder that goes with the copy, for whoever restored it. */
  folder: string
}

/** How long a copy may replay; it is over at once where the copy ends by itself. */
const REPLAY_MS = 6 * 3_600_000

const PREFIX = 'restored-'
const CONFIG = 'pgbackrest.conf'

/**
 * Restores the cluster from a base backup and the archived WAL, gives it to `use`, and takes it
 * away again. It never archives, and knows the live cluster's folder in no setting.
 * @throws Refused with what PostgreSQL said, where the archive does not reach the target
 */
export async function withRestoredCluster<T>(
  layout: Layout,
  from: { system: string; base: string; target: Target },
  progress: Progress,
  use: (cluster: RestoredCluster) => Promise<T>,
): Promise<T> {
  await removeDeadCopies(layout)
  // The name says whose it is, from the first moment on.
  const owner = `${process.pid}-${startOf(process.pid)}`
  const folder = join(parentOf(layout), `${PREFIX}${owner}-${randomBytes(4).toString('hex')}`)
  await ensureOwned(folder)
  let server: ChildProcess | undefined
  try {
    const started = performance.now()
    await restoreFiles(layout, folder, from)
    const restored = since(started)
    const port = freePort(layout)
    server = await startCopy(layout, folder, from.system, port)
    await replayed(layout, folder, port, server, from.target)
    progress(`restored the cluster: files ${restored}, all with its WAL ${since(started)}`)
    const database = (name: string) => ownDatabase(layout, name, port)
    const { rows } = await withSession(database('postgres'), (client) =>
      client.query('select pg_last_xact_replay_timestamp() as at'),
    )
    const reached = (rows[0].at as Date | null)?.toISOString()
    return await use({ database, folder, ...(reached === undefined ? {} : { reached }) })
  } finally {
    await end(server)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Takes away what killed runs have left, their servers first. */
export async function removeDeadCopies(layout: Layout): Promise<void> {
  const parent = parentOf(layout)
  for (const name of await readdir(parent)) {
    if (!name.startsWith(PREFIX)) continue
    const folder = join(parent, name)
    const [pid, started] = name.slice(PREFIX.length).split('-')
    if (startOf(Number(pid)) === started) continue
    const gone = () => {
      const left = processesOf(folder, folder)
      for (const each of left) signalProcess(each, 'SIGKILL')
      return left.length === 0
    }
    await waitFor(gone, { timeoutMs: 10_000, what: `what runs in ${folder} to end` })
    await rm(folder, { recursive: true, force: true })
  }
}

const parentOf = (layout: Layout) => dirname(layout.postgres.data)

async function restoreFiles(
  layout: Layout,
  folder: string,
  { system, base, target }: { system: string; base: string; target: Target },
): Promise<void> {
  const data = join(folder, 'data')
  const config = join(folder, CONFIG)
  for (const each of [data, join(folder, 'lock')]) await ensureOwned(each)
  // A configuration of its own: the live cluster's folder is in no setting of the copy.
  writeDurably(
    config,
    iniOf({
      global: {
        'repo1-path': layout.archive.repository,
        'neutral-umask': 'n',
        'lock-path': join(folder, 'lock'),
        'log-level-file': 'off',
        'log-level-console': 'off',
        'log-level-stderr': 'error',
        'process-max': 4,
      },
      [stanzaOf(system)]: { 'pg1-path': data },
    }),
  )
  await giveToServer(config)
  const options = [
    `--set=${base}`,
    ...targetOptions(target),
    '--archive-mode=off',
    // Given when it starts, where no quoting of a file comes between.
    '--recovery-option=restore_command=false',
  ]
  await pgbackrest(layout, system, 'restore', options, { config, home: folder })
}

/** The options of a restore that ends there. */
export function targetOptions(target: Target): string[] {
  if (target === 'latest') return ['--type=default']
  const action = '--target-action=promote'
  if ('lsn' in target) {
    return ['--type=lsn', `--target=${target.lsn}`, '--target-exclusive', action]
  }
  const time = target.time.toISOString().replace('T', ' ').replace('Z', '+00')
  return ['--type=time', `--target=${time}`, action]
}

/** Starts the copy. It ends with this process, and archives nothing whatever its files say. */
async function startCopy(
  layout: Layout,
  folder: string,
  system: string,
  port: number,
): Promise<ChildProcess> {
  const data = join(folder, 'data')
  const config = join(folder, CONFIG)
  const fetch = [findProgram('pgbackrest'), `--config=${config}`, `--stanza=${stanzaOf(system)}`]
  const words = fetch.map((word) => shellWord(word).replaceAll('%', '%%')).join(' ')
  const settings = {
    listen_addresses: '',
    port: String(port),
    unix_socket_directories: `"${layout.postgres.socketFolder.replaceAll('"', '""')}"`,
    unix_socket_permissions: '0700',
    archive_mode: 'off',
    archive_command: '',
    restore_command: `${words} archive-get %f "%p"`,
    // It is read once and thrown away.
    fsync: 'off',
    log_destination: 'stderr',
    logging_collector: 'off',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const [program, ...rest] = [...boundTo('QUIT'), findProgram('postgres'), '-D', data, ...options]
  const log = await open(join(folder, 'log'), 'w', 0o600)
  try {
    return spawn(program as string, rest, {
      cwd: data,
      env: plainEnvironment(layout),
      stdio: ['ignore', log.fd, log.fd],
      ...serverUser(),
    })
  } finally {
    await log.close()
  }
}

async function replayed(
  layout: Layout,
  folder: string,
  port: number,
  server: ChildProcess,
  target: Target,
): Promise<void> {
  const ended = new AbortController()
  const stop = (error?: Error) => ended.abort(error)
  server.once('error', stop)
  server.once('exit', () => stop())
  const open = async () => {
    const { rows } = await withSession(ownDatabase(layout, 'postgres', port), (client) =>
      client.query('select pg_is_in_recovery() as replays'),
    )
    return rows[0].replays === false
  }
  const wait = { timeoutMs: REPLAY_MS, what: 'the restored copy to open', signal: ended.signal }
  await waitFor(open, wait).catch(async (error: Error) => {
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '')
    throw new Refused(explainedBy(log, target) ?? error.message)
  })
}

/** Why a copy did not open, from its log: what it said last, in words of this program. */
export function explainedBy(log: string, target: Target): string | undefined {
  const goal =
    target === 'latest' ? 'its end' : 'lsn' in target ? target.lsn : target.time.toISOString()
  if (log.includes('recovery ended before configured recovery target was reached')) {
    const last = log.match(/last completed transaction was at log time ([^\n]+)/)?.[1]
    return `the archive does not reach ${goal}${last ? `: its last transaction is of ${last}` : ''}; next: sluice restore <name> --to latest`
  }
  if (log.includes('is before consistent recovery point')) {
    return `${goal} is before the end of the base backup that was restored; next: give a later time`
  }
  const fatal = [...log.matchAll(/(?:FATAL|PANIC): {2}([^\n]+)/g)]
    .map(([, text]) => text as string)
    .filter((text) => !/starting up|not yet accepting connections/.test(text))
  return fatal.length === 0 ? undefined : `the restored copy did not open: ${fatal.at(-1)}`
}

/** A number for the name of the copy's socket that no server in this folder has. */
function freePort(layout: Layout): number {
  for (;;) {
    const port = 6_000 + Math.floor(Math.random() * 3_900)
    if (!existsSync(join(layout.postgres.socketFolder, `.s.PGSQL.${port}.lock`))) return port
  }
}

async function end(server: ChildProcess | undefined): Promise<void> {
  if (!server || server.exitCode !== null || server.signalCode !== null) return
  const gone = new Promise((resolve) => server.once('exit', resolve))
  // Nothing of it is kept.
  server.kill('SIGQUIT')
  await gone
}
