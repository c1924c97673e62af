import { execFile, spawn } from 'node:child_process'
import * as fs from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, isAbsolute, join, normalize, sep } from 'node:path'
import { promisify } from 'node:util'
import { findProgram, programDirectories } from '../../tools/programs.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import type { Layout } from './layout.ts'
import { processesOf, signalProcess, supervisorsOf } from './processes.ts'
import {
  environmentFile,
  type Host,
  logScript,
  runScript,
  type ServiceSpec,
  stopScript,
  UNPRIVILEGED,
  withPlainLog,
} from './run-script.ts'
import { control, isSupervised, type ServiceStatus, statusOf } from './service-status.ts'
import { waitFor } from './wait-for.ts'

export type { ServiceSpec } from './run-script.ts'
export type { ServiceStatus } from './service-status.ts'
export { waitFor } from './wait-for.ts'

/** How long a program may take to end after its stop signal before it is killed, in ms. */
const STOP_LIMIT_MS = 8_000
/** How long runit may take to see a new service; it looks at least every 5 s. */
const SEEN_LIMIT_MS = 15_000

/** Signals that a running service may be sent, and runsv's letters for them. */
const SIGNALS = { HUP: 'h', USR1: '1', USR2: '2', INT: 'i', CONT: 'c', TERM: 't' } as const

/**
 * Starts the supervisor of a home where none runs. It outlives whoever called: a session of its
 * own, no open files of the caller's, and only the variables it needs.
 */
export async function ensureSupervisor(layout: Layout): Promise<void> {
  const { home, services } = layout
  fs.mkdirSync(home, { recursive: true, mode: isRoot() ? 0o711 : 0o700 })
  for (const folder of [services, layout.logs]) {
    fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  }
  if (supervisorsOf(services).length > 0) return
  const child = spawn(findProgram('runsvdir'), ['-P', services], {
    cwd: home,
    detached: true,
    stdio: 'ignore',
    env: supervisorEnvironment(home),
  })
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  child.unref()
  const running = waitFor(() => supervisorsOf(services).includes(child.pid as number), {
    timeoutMs: 5_000,
    what: `runsvdir to run on ${services}`,
  })
  await Promise.race([running, failed])
  // Two callers at once start two. Each looks when its own is there, so the last one sees all.
  const [, ...others] = supervisorsOf(services).sort((a, b) => a - b)
  for (const pid of others) signalProcess(pid, 'SIGTERM')
}

/**
 * Installs a service and brings it up: starts a new one, restarts one whose definition or files
 * changed, leaves alone one that runs as it should.
 */
export async function installService(
  layout: Layout,
  name: string,
  spec: ServiceSpec,
): Promise<ServiceStatus> {
  const folder = folderOf(layout, name)
  const marker = join(folder, 'changed')
  const files = serviceFiles(layout, name, spec)
  const changed =
    fs.existsSync(marker) || differs(layout.home, homeFiles(spec)) || differs(folder, files)
  await ensureSupervisor(layout)
  if (changed) {
    // So that a crash before the restart does not leave an old process under a new definition.
    if (fs.existsSync(folder)) fs.writeFileSync(marker, '', { mode: 0o600 })
    writeHomeFiles(layout, spec)
    writeService(layout, name, files)
  }
  await supervised(layout, name)
  const restart = changed && statusOf(folder).up
  const status = restart ? await restartService(layout, name) : await startService(layout, name)
  fs.rmSync(marker, { force: true })
  return status
}

/** Brings a service up, now and after every restart of the supervisor. */
export async function startService(layout: Layout, name: string): Promise<ServiceStatus> {
  const folder = folderOf(layout, name)
  await supervised(layout, name)
  fs.rmSync(join(folder, 'down'), { force: true })
  control(folder, 'u')
  return isUp(layout, name)
}

/** Takes a service down, now and after every restart of the supervisor. */
export async function stopService(layout: Layout, name: string): Promise<void> {
  const folder = folderOf(layout, name)
  if (!fs.existsSync(folder)) return
  fs.writeFileSync(join(folder, 'down'), '', { mode: 0o600 })
  await down(folder, name)
}

/** Ends a service and waits until it runs anew. */
export async function restartService(layout: Layout, name: string): Promise<ServiceStatus> {
  const folder = folderOf(layout, name)
  const before = statusOf(folder)
  if (!before.up) return startService(layout, name)
  control(folder, 'tcu')
  const renewed = () => {
    const status = statusOf(folder)
    return status.up && status.pid !== before.pid ? status : undefined
  }
  const what = `${name} to run anew`
  return waitFor(renewed, { timeoutMs: STOP_LIMIT_MS, what }).catch(() => {
    control(folder, 'ku')
    return waitFor(renewed, { timeoutMs: STOP_LIMIT_MS, what })
  })
}

/**
 * Sends a running service a signal.
 * @throws Error where it is not running
 */
export async function reloadService(
  layout: Layout,
  name: string,
  signal: keyof typeof SIGNALS = 'HUP',
): Promise<void> {
  const folder = folderOf(layout, name)
  const status = statusOf(folder)
  if (status.up && control(folder, SIGNALS[signal])) return
  throw new Error(`${name} cannot be sent ${signal}: it is ${status.state}; next: sluice doctor`)
}

/** Ends a service and removes its definition; its logs stay. */
export async function removeService(layout: Layout, name: string): Promise<void> {
  const folder = folderOf(layout, name)
  if (!fs.existsSync(folder)) return
  // Out of the supervisor's sight first, else it would start another runsv for it.
  const gone = join(layout.services, `.removed-${name}-${process.pid}`)
  fs.rmSync(gone, { recursive: true, force: true })
  fs.renameSync(folder, gone)
  await down(gone, name)
  control(gone, 'x')
  for (const supervisor of supervisorsOf(layout.services)) signalProcess(supervisor, 'SIGCHLD')
  await waitFor(() => !isSupervised(gone) && !isSupervised(join(gone, 'log')), {
    timeoutMs: SEEN_LIMIT_MS,
    what: `the supervision of ${name} to end`,
  })
  fs.rmSync(gone, { recursive: true, force: true })
}

/** What the supervisor says of a service. */
export async function serviceStatus(layout: Layout, name: string): Promise<ServiceStatus> {
  return statusOf(folderOf(layout, name))
}

/** The names of all installed services. */
export function installedServices(layout: Layout): string[] {
  if (!fs.existsSync(layout.services)) return []
  return fs
    .readdirSync(layout.services)
    .filter((name) => !name.startsWith('.') && fs.existsSync(join(layout.services, name, 'run')))
}

/**
 * Stops everything of a home for sure: its supervisors, each service in order, then whatever is
 * left. What was up is up again with the next {@link ensureSupervisor}.
 * @throws Error naming the processes that not even a kill ended
 */
export async function stopAll(layout: Layout): Promise<void> {
  const { services } = layout
  const withoutSupervisor = () => {
    const supervisors = supervisorsOf(services)
    for (const pid of supervisors) signalProcess(pid, 'SIGTERM')
    return supervisors.length === 0
  }
  // One that does not end is killed below, with everything else.
  await waitFor(withoutSupervisor, { timeoutMs: 2_000, what: 'the supervisor to end' }).catch(
    () => {},
  )
  const watched = installedServices(layout)
    .map((name) => join(services, name))
    .filter(isSupervised)
  const sv = watched.length > 0 ? findProgram('sv') : ''
  await Promise.allSettled(
    watched.map((folder) =>
      run(sv, ['-w', String(STOP_LIMIT_MS / 1_000), 'force-shutdown', folder]),
    ),
  )
  const left = () => processesOf(layout.home, layout.postgres.data)
  const nothingLeft = () => {
    const pids = left()
    for (const pid of pids) signalProcess(pid, 'SIGKILL')
    return pids.length === 0
  }
  await waitFor(nothingLeft, { timeoutMs: 10_000, what: `all of ${layout.home} to end` }).catch(
    (error) => {
      throw new Error(`${(error as Error).message}; left: ${left().join(', ')}`)
    },
  )
}

const run = promisify(execFile)

function isRoot(): boolean {
  return process.getuid?.() === 0
}

function folderOf(layout: Layout, name: string): string {
  if (/^[a-z][a-z0-9-]{0,63}$/.test(name)) return join(layout.services, name)
  throw new Error(`${JSON.stringify(name)} is no name of a supervised service`)
}

function host(): Host {
  if (process.platform !== 'linux') return { root: isRoot() }
  return { root: isRoot(), setpriv: findProgram('setpriv') }
}

/** Secrets of the caller stay with the caller. */
function supervisorEnvironment(home: string): Record<string, string> {
  const kept = [
    'LANG',
    'LC_ALL',
    'TZ',
    'TMPDIR',
    'USER',
    'LOGNAME',
    'SLUICE_CACHE',
    'SSL_CERT_FILE',
  ]
  const inherited = kept.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value]]
  })
  const path = [
    dirname(findProgram('runsv')),
    ...programDirectories(),
    dirname(process.execPath),
    ...(process.env['PATH'] ?? '/usr/bin:/bin').split(delimiter),
  ]
  return {
    ...Object.fromEntries(inherited),
    HOME: homedir(),
    PATH: [...new Set(path)].filter(isAbsolute).join(delimiter),
    SLUICE_ROOT: home,
  }
}

/** The files of a service's folder, by their path in it. */
function serviceFiles(layout: Layout, name: string, spec: ServiceSpec): Record<string, string> {
  if (spec.command.length === 0) throw new Error(`${name}: the command is empty`)
  const script = runScript(spec, join(folderOf(layout, name), 'environment'), host())
  const svlogd = findSvlogd()
  return {
    environment: environmentFile(spec.environment),
    run: svlogd ? script : withPlainLog(script, join(layout.logs, `${name}.log`)),
    'control/t': stopScript(spec.stopSignal),
    ...(svlogd ? { 'log/run': logScript(svlogd, join(layout.logs, name)) } : {}),
  }
}

function findSvlogd(): string | undefined {
  try {
    return findProgram('svlogd')
  } catch {
    return undefined
  }
}

/** True where a file is missing or has other content. */
function differs(folder: string, files: Record<string, string>): boolean {
  const other = ([path, content]: [string, string]) => readIfThere(join(folder, path)) !== content
  return Object.entries(files).some(other)
}

function writeService(layout: Layout, name: string, files: Record<string, string>): void {
  prepareLog(layout, name)
  const folder = folderOf(layout, name)
  const fresh = !fs.existsSync(folder)
  // Built where the supervisor does not look, so that it never sees half a service.
  const target = fresh ? join(layout.services, `.new-${name}-${process.pid}`) : folder
  if (fresh) fs.rmSync(target, { recursive: true, force: true })
  for (const [path, content] of Object.entries(files)) {
    writeDurably(join(target, path), content, path === 'environment' ? 0o600 : 0o700)
  }
  if (!fresh) return
  fs.writeFileSync(join(target, 'down'), '', { mode: 0o600 })
  fs.renameSync(target, folder)
}

/** A folder for svlogd, and the name under which people look for the log. */
function prepareLog(layout: Layout, name: string): void {
  if (!findSvlogd()) return
  const folder = join(layout.logs, name)
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeDurably(join(folder, 'config'), 's1000000\nn10\n')
  const link = join(layout.logs, `${name}.log`)
  if (fs.lstatSync(link, { throwIfNoEntry: false })) return
  fs.symlinkSync(join(name, 'current'), link)
}

/** The files that a service needs, each within the home. */
function homeFiles({ files = {} }: ServiceSpec): Record<string, string> {
  for (const path of Object.keys(files)) {
    const inside = normalize(path)
    if (isAbsolute(inside) || inside === '..' || inside.startsWith(`..${sep}`)) {
      throw new Error(`${JSON.stringify(path)} is not within the home; next: give a relative path`)
    }
  }
  return files
}

function writeHomeFiles(layout: Layout, spec: ServiceSpec): void {
  for (const [path, content] of Object.entries(homeFiles(spec))) {
    const target = join(layout.home, path)
    writeDurably(target, content)
    if (spec.user === 'postgres' && isRoot()) fs.chownSync(target, UNPRIVILEGED, UNPRIVILEGED)
  }
}

async function supervised(layout: Layout, name: string): Promise<void> {
  const folder = folderOf(layout, name)
  if (!fs.existsSync(folder)) throw new Error(`${name} is not installed; next: pulumi up`)
  const seen = () => isSupervised(folder)
  if (seen()) return
  // Any signal that it handles makes it look at once instead of in five seconds.
  for (const pid of supervisorsOf(layout.services)) signalProcess(pid, 'SIGCHLD')
  await waitFor(seen, { timeoutMs: SEEN_LIMIT_MS, what: `the supervisor to take up ${name}` })
}

function isUp(layout: Layout, name: string): Promise<ServiceStatus> {
  const folder = folderOf(layout, name)
  const up = () => {
    const status = statusOf(folder)
    return status.up ? status : undefined
  }
  return waitFor(up, { timeoutMs: STOP_LIMIT_MS, what: `${name} to start` })
}

async function down(folder: string, name: string): Promise<void> {
  const ended = () => !statusOf(folder).up
  control(folder, 'dc')
  const what = `${name} to end`
  await waitFor(ended, { timeoutMs: STOP_LIMIT_MS, what }).catch(() => {
    control(folder, 'k')
    return waitFor(ended, { timeoutMs: STOP_LIMIT_MS, what })
  })
}
