import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import pg from 'pg'
import { AdminSocket } from '../../platforms/local/admin-socket.ts'
import { databaseUrl, type Layout } from '../../platforms/local/layout.ts'
import { supervisorsOf } from '../../platforms/local/processes.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { parsePid } from '../../platforms/local/router-text.ts'
import { serviceStatus } from '../../platforms/local/supervisor.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import type { TestStack } from './test-stack.ts'

/** A program that a case kills or stops. */
export interface Victim {
  name: string
  /** Its processes, the ones that nobody starts again without the others first. */
  pids(stack: TestStack, update?: ChildProcess): Promise<number[]>
  /** True when the rest has noticed that it stands still; default: once it does. */
  noticed?(stack: TestStack): Promise<boolean>
}

export const VICTIMS: Victim[] = [
  {
    name: 'the hook',
    pids: service('hook'),
    noticed: async ({ layout }) => !(await new HaproxyRouter(layout).guardUp()),
  },
  {
    name: 'Prometheus',
    pids: service('prometheus'),
    noticed: async ({ platform }) => isUnavailable((await platform.observe()).alarms),
  },
  {
    name: 'HAProxy',
    pids: async (stack) => {
      const said = await new AdminSocket(stack.layout.haproxy.socket).ask('show info')
      const worker = parsePid(said)
      return [...(await service('router')(stack)), ...(worker === undefined ? [] : [worker])]
    },
    noticed: async ({ platform }) => isUnavailable((await platform.observe()).live),
  },
  { name: 'blue', pids: service('huntred-blue'), noticed: unhealthy('blue') },
  { name: 'green', pids: service('huntred-green'), noticed: unhealthy('green') },
  {
    name: 'PostgreSQL',
    pids: service('postgres'),
    noticed: async ({ layout }) => !(await postgresAnswers(layout)),
  },
  { name: 'runsvdir', pids: async ({ layout }) => supervisorsOf(layout.services) },
  {
    name: "the hook's runsv",
    pids: async (stack) => {
      const [hook] = await service('hook')(stack)
      const parent = parentOf(hook as number)
      return parent === undefined ? [] : [parent]
    },
  },
  {
    name: 'the provider in mid-update',
    pids: async (_stack, update) =>
      processes()
        .filter(({ parent }) => parent === update?.pid)
        .filter(({ command }) => command.includes('provider/main.ts'))
        .map(({ pid }) => pid),
  },
  {
    name: 'pulumi in mid-update',
    pids: async (_stack, update) => (update?.pid === undefined ? [] : [update.pid]),
  },
]

/** Sends a signal; one that has ended already needs none. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** True while a process stands still by SIGSTOP. */
export function standsStill(pid: number): boolean {
  return statOf(pid)?.state === 'T'
}

/** True once a process has ended, also where its parent has not asked for it yet. */
export function hasEnded(pid: number): boolean {
  const state = statOf(pid)?.state
  return state === undefined || state === 'Z'
}

/** True when PostgreSQL takes a new connection. */
export async function postgresAnswers(layout: Layout): Promise<boolean> {
  const connectionString = databaseUrl(layout, 'postgres')
  const client = new pg.Client({ connectionString, connectionTimeoutMillis: 1_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => {})
  }
}

function service(name: string): (stack: TestStack) => Promise<number[]> {
  return async ({ layout }) => {
    const { pid } = await serviceStatus(layout, name)
    return pid === undefined ? [] : [pid]
  }
}

function unhealthy(colour: 'blue' | 'green'): (stack: TestStack) => Promise<boolean> {
  return async ({ layout }) => !(await new HaproxyRouter(layout).healthy('huntred', colour))
}

function parentOf(pid: number): number | undefined {
  return statOf(pid)?.parent
}

function processes(): { pid: number; parent: number; command: string }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = statOf(Number(name))
      if (!stat) return []
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ')
        return [{ pid: Number(name), parent: stat.parent, command }]
      } catch {
        return []
      }
    })
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    // The name, which may hold anything, ends at the last bracket.
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: state as string, parent: Number(parent) }
  } catch {
    return undefined
  }
}
