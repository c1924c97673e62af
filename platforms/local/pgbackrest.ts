import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { z } from 'zod'
import { findProgram } from '../../tools/programs.ts'
import { Refused } from '../platform.ts'
import { writeDurably } from './durable-file.ts'
import { type Layout, POSTGRES_PORT } from './layout.ts'
import { ensureOwned, giveToServer, serverUser } from './server-user.ts'

/** pgBackRest's exit code where another process holds the lock. */
export const LOCKED = 50

/** A run of pgBackRest that failed. */
export class ArchiveFailed extends Refused {
  override name = 'Refused'
  readonly code: number | null
  constructor(message: string, code: number | null) {
    super(message)
    this.code = code
  }
}

/** The base backups that are kept, and with them the WAL since the oldest of them. */
const BASES_KEPT = 2

/** One stanza a cluster: a cluster that is made anew takes nothing away from the one before it. */
export const stanzaOf = (system: string) => `sluice-${system}`

/** Writes the configuration; what it names belongs to the server's user alone. */
export async function writeRepository(layout: Layout, system: string): Promise<void> {
  const { folder, repository, config } = layout.archive
  for (const each of [folder, repository, join(folder, 'lock')]) await ensureOwned(each)
  writeDurably(config, configuration(layout, system))
  await giveToServer(config)
}

/** The configuration of the live cluster's archive. */
export function configuration(layout: Layout, system: string): string {
  const { folder, repository } = layout.archive
  const everywhere = {
    'repo1-path': repository,
    'repo1-retention-full': BASES_KEPT,
    'repo1-bundle': 'y',
    'compress-type': 'lz4',
    'start-fast': 'y',
    'archive-timeout': 60,
    // The umask decides: 0600 and 0700.
    'neutral-umask': 'n',
    'lock-path': join(folder, 'lock'),
    'log-level-file': 'off',
    'log-level-console': 'off',
    'log-level-stderr': 'error',
  }
  const cluster = {
    'pg1-path': layout.postgres.data,
    'pg1-socket-path': layout.postgres.socketFolder,
    'pg1-port': POSTGRES_PORT,
    'pg1-user': 'sluice',
    'pg1-database': 'postgres',
  }
  return iniOf({ global: everywhere, [stanzaOf(system)]: cluster })
}

/**
 * pgBackRest's configuration, by section.
 * @throws Error for a value with a line break, which would begin another setting
 */
export function iniOf(sections: Record<string, Record<string, string | number>>): string {
  const lineOf = ([key, value]: [string, string | number]) => {
    if (!/[\n\r]/.test(String(value))) return `${key}=${value}\n`
    throw new Error(`${JSON.stringify(value)} has a line break, which ${key} cannot have`)
  }
  return Object.entries(sections)
    .map(([name, settings]) => `[${name}]\n${Object.entries(settings).map(lineOf).join('')}`)
    .join('\n')
}

/**
 * Runs pgBackRest as the server's user; it ends with this process.
 * @returns what it wrote to stdout
 * @throws ArchiveFailed with what it said
 */
export async function pgbackrest(
  layout: Layout,
  system: string,
  command: string,
  options: readonly string[] = [],
  { config = layout.archive.config, home = layout.home }: { config?: string; home?: string } = {},
): Promise<string> {
  const args = [`--config=${config}`, `--stanza=${stanzaOf(system)}`, ...options, command]
  const { code, out, said } = await runAsServer(layout, [findProgram('pgbackrest'), ...args], home)
  if (code === 0) return out
  throw new ArchiveFailed(`pgbackrest ${command}: ${said || `exit code ${code}`}`, code)
}

/** The words before a program that ends with the process that started it. */
export function boundTo(signal: string): string[] {
  return process.platform === 'linux' ? [findProgram('setpriv'), '--pdeathsig', signal, '--'] : []
}

/** The environment of what runs beside the server: none of the caller's secrets and settings. */
export function plainEnvironment(layout: Layout): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', SLUICE_ROOT: layout.home }
}

function runAsServer(
  layout: Layout,
  command: readonly string[],
  cwd: string,
): Promise<{ code: number | null; out: string; said: string }> {
  const [shell, ...rest] = [...boundTo('TERM'), '/bin/sh', '-c', 'umask 077; exec "$@"', 'sh']
  const child = spawn(shell as string, [...rest, ...command], {
    cwd,
    env: plainEnvironment(layout),
    stdio: ['ignore', 'pipe', 'pipe'],
    ...serverUser(),
  })
  let out = ''
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    out += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    said = (said + chunk).slice(-2_000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, out, said: said.trim() }))
  })
}

const info = z.array(
  z.looseObject({
    backup: z.array(
      z.looseObject({
        label: z.string(),
        archive: z.looseObject({ start: z.string(), stop: z.string() }),
        lsn: z.looseObject({ start: z.string(), stop: z.string() }),
        timestamp: z.looseObject({ start: z.number(), stop: z.number() }),
        info: z.looseObject({ repository: z.looseObject({ size: z.number().optional() }) }),
      }),
    ),
  }),
)

/** A base backup, from whose end on every moment can be restored. */
export interface Base {
  label: string
  /** The first and the last WAL file that it needs. */
  start: string
  stop: string
  /** Where it is consistent. */
  stopLsn: string
  /** From when on a moment can be restored, ms. */
  from: number
  /** Bytes in the repository. */
  bytes: number
}

/** The base backups of a cluster, the oldest first; none where the repository is not there. */
export async function readBases(layout: Layout, system: string): Promise<Base[]> {
  const text = await pgbackrest(layout, system, 'info', ['--output=json'])
  return info.parse(JSON.parse(text)).flatMap(({ backup }) =>
    backup.map(({ label, archive, lsn, timestamp, info: { repository } }) => ({
      label,
      start: archive.start,
      stop: archive.stop,
      stopLsn: lsn.stop,
      // Its end is known to the second, so that the next whole one is after it.
      from: (timestamp.stop + 1) * 1_000,
      bytes: repository.size ?? 0,
    })),
  )
}
