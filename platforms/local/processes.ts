import { execFileSync } from 'node:child_process'
import * as fs from 'node:fs'
import { basename, sep } from 'node:path'

interface Process {
  pid: number
  /** Program and arguments. */
  command: string[]
  belongs: boolean
}

/**
 * Every process that belongs to a home: marked by SLUICE_ROOT in its environment, or working in
 * the home's own data folder (PostgreSQL's children overwrite their environment). Never this one.
 */
export function processesOf(home: string, dataFolder: string): number[] {
  return processes(home, dataFolder)
    .filter(({ belongs }) => belongs)
    .map(({ pid }) => pid)
}

/** The supervisors of one folder of services. */
export function supervisorsOf(services: string): number[] {
  return processes('', '')
    .filter(
      ({ command: [program, ...rest] }) =>
        basename(program ?? '') === 'runsvdir' && rest.includes(services),
    )
    .map(({ pid }) => pid)
}

/** Sends a signal; a process that is gone already is no error. */
export function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function processes(home: string, dataFolder: string): Process[] {
  const found = fs.existsSync('/proc/self/environ') ? fromProc(home, dataFolder) : fromPs(home)
  return found.filter(({ pid }) => pid !== process.pid)
}

function fromProc(home: string, dataFolder: string): Process[] {
  return fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const command = fs.readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').slice(0, -1)
        // A process that has ended and waits for its parent has neither.
        if (command.length === 0) return []
        return [{ pid: Number(name), command, belongs: belongs(name, home, dataFolder) }]
      } catch {
        return []
      }
    })
}

function belongs(pid: string, home: string, dataFolder: string): boolean {
  if (home === '') return false
  const environment = readOr(() => fs.readFileSync(`/proc/${pid}/environ`, 'utf8'))
  if (environment.split('\0').includes(`SLUICE_ROOT=${home}`)) return true
  const folder = readOr(() => fs.readlinkSync(`/proc/${pid}/cwd`))
  return folder === dataFolder || folder.startsWith(dataFolder + sep)
}

/** Another user's process keeps its environment to itself; it is not ours then. */
function readOr(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}

/** Where there is no /proc: ps shows commands and, of one's own processes, environments. */
function fromPs(home: string): Process[] {
  const list = (flags: string[]) =>
    execFileSync('ps', [...flags, '-o', 'pid=,command='], { encoding: 'utf8', maxBuffer: 1 << 26 })
      .split('\n')
      .flatMap((line) => {
        const match = /^\s*(\d+)\s+(.*)$/.exec(line)
        return match ? [{ pid: Number(match[1]), text: match[2] as string }] : []
      })
  const marked = new Set(
    list(['-axwwE'])
      .filter(({ text }) => home !== '' && ` ${text} `.includes(` SLUICE_ROOT=${home} `))
      .map(({ pid }) => pid),
  )
  return list(['-axww']).map(({ pid, text }) => ({
    pid,
    command: text.split(' '),
    belongs: marked.has(pid),
  }))
}

/**
 * The memory that a process and all its children hold now.
 * @returns undefined where it is gone, or where there is no /proc
 */
export function residentBytes(pid: number): number | undefined {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(
    readOr(() => fs.readFileSync(`/proc/${pid}/status`, 'utf8')),
  )?.[1]
  if (kilobytes === undefined) return undefined
  const children = readOr(() => fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8'))
  return children
    .split(' ')
    .filter((child) => child !== '')
    .map((child) => residentBytes(Number(child)) ?? 0)
    .reduce((sum, bytes) => sum + bytes, Number(kilobytes) * 1_024)
}

/** When a process began, as its kernel counts; a pid that came back is another process. */
export function startOf(pid: number): string {
  try {
    const text = fs.readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? 'unknown'
  } catch {
    return isAlive(pid) ? 'unknown' : 'gone'
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
