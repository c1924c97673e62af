import { type ChildProcess, spawn } from 'node:child_process'
import { databaseEnvironment, type Layout } from '../platforms/local/layout.ts'
import { formatDuration } from '../rollout/duration.ts'
import type { Plan } from '../rollout/plan.ts'
import { placeVariables } from './surroundings.ts'

/** So much of what a command said is kept. */
export const KEPT_OUTPUT = 2_000
/** Between the request to end and the end. */
const GRACE_MS = 1_000

/** A command of the plan, as it is run. */
export interface Command {
  /** Program and arguments; no shell reads them. */
  run: readonly string[]
  /** Reads what `run` writes to its standard output. */
  into?: readonly string[]
  /** The project's folder by default. */
  cwd?: string
  environment: Record<string, string | undefined>
  timeoutMs: number
  signal?: AbortSignal
  /** Hears what it says while it says it. */
  onOutput?(chunk: Buffer): void
}

/** What came of a command. */
export interface CommandResult {
  ok: boolean
  /** The exit code; null where a signal ended it or it never began. */
  code: number | null
  /** The last 2,000 characters of what it wrote, to both outputs. */
  output: string
  /** In words: how it ended, and the end of what it said. */
  reason: string
  tookMs: number
}

/**
 * Runs a command of the plan in a process group of its own. A timeout and an abort end the whole
 * group. Never throws: a program that is not there is a failure with its reason.
 */
export async function runCommand(command: Command): Promise<CommandResult> {
  const { run, into, timeoutMs, signal } = command
  const started = performance.now()
  let output = ''
  const keep = (chunk: Buffer) => {
    output = (output + chunk).slice(-KEPT_OUTPUT)
    command.onOutput?.(chunk)
  }
  let cut: string | undefined
  const children: ChildProcess[] = []
  const first = begin(run, command, children)
  const second = into ? begin(into, command, children, true) : undefined
  first.child.stderr?.on('data', keep)
  if (second) {
    second.child.stdout?.on('data', keep)
    second.child.stderr?.on('data', keep)
    // One that ends before it has read everything says why by itself.
    second.child.stdin?.on('error', () => {})
    if (second.child.stdin) first.child.stdout?.pipe(second.child.stdin)
  } else first.child.stdout?.on('data', keep)

  let hard: NodeJS.Timeout | undefined
  const end = (why: string) => {
    if (cut !== undefined) return
    cut = why
    for (const child of children) endGroup(child, 'SIGTERM')
    hard = setTimeout(() => {
      for (const child of children) endGroup(child, 'SIGKILL')
    }, GRACE_MS)
  }
  const late = setTimeout(() => end(`ended after ${formatDuration(timeoutMs)}`), timeoutMs)
  const stop = () => end('ended, as the hook stops')
  signal?.addEventListener('abort', stop, { once: true })
  if (signal?.aborted) stop()

  const ends = await Promise.all([first.ended, ...(second ? [second.ended] : [])])
  clearTimeout(late)
  clearTimeout(hard)
  signal?.removeEventListener('abort', stop)
  // What it started and left behind ends with it.
  if (cut !== undefined) for (const child of children) endGroup(child, 'SIGKILL')
  const failed = ends.find(({ code }) => code !== 0)
  const how = cut ?? failed?.how
  const said = output.trim()
  return {
    ok: how === undefined,
    code: (failed ?? ends[0])?.code ?? null,
    output,
    reason: [how ?? 'exit code 0', said].filter((text) => text !== '').join(': '),
    tookMs: Math.round(performance.now() - started),
  }
}

interface Begun {
  child: ChildProcess
  ended: Promise<{ code: number | null; how: string | undefined }>
}

function begin(
  [program, ...rest]: readonly string[],
  { cwd, environment }: Command,
  children: ChildProcess[],
  reads = false,
): Begun {
  const child = spawn(program as string, rest, {
    cwd,
    env: environment as NodeJS.ProcessEnv,
    stdio: [reads ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    // Its own group: whatever it starts can be ended with it.
    detached: true,
  })
  children.push(child)
  const ended = new Promise<Awaited<Begun['ended']>>((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      // A folder of PATH that may not be read says EACCES of a program that is in none of them.
      const unfound = error.code === 'ENOENT' || error.code === 'EACCES'
      const why = unfound ? 'is not there, or may not be run' : error.message
      resolve({ code: null, how: `${program} could not be started: ${why}` })
    })
    child.once('exit', (code, killed) => {
      const how = killed ? `${program} was ended by ${killed}` : `${program}: exit code ${code}`
      const over = () => resolve({ code, how: code === 0 ? undefined : how })
      // What still stands in the pipes is its last word; a grandchild that holds them is not waited for.
      const timer = setTimeout(over, GRACE_MS)
      child.once('close', () => {
        clearTimeout(timer)
        over()
      })
    })
  })
  return { child, ended }
}

function endGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** What a command of the plan is told of where it runs. */
export interface CommandPlace {
  plan: Plan
  layout: Layout
  /** The position that the rollout stands at; none before the first deployment. */
  position?: string
  service?: string
}

/**
 * The environment of a command of the plan: the hook's own, the databases', SLUICE_ROLLOUT,
 * SLUICE_POSITION and SLUICE_SERVICE, and its own variables, where `env:NAME` passes one on.
 */
export function commandEnvironment(
  { plan, layout, position, service }: CommandPlace,
  own: Record<string, string> = {},
): Record<string, string | undefined> {
  const around = { ...process.env, ...databaseEnvironment(plan, layout) }
  return {
    ...around,
    ...placeVariables({ plan, position, service }),
    ...Object.fromEntries(
      Object.entries(own).map(([name, value]) => [
        name,
        value.startsWith('env:') ? around[value.slice('env:'.length)] : value,
      ]),
    ),
  }
}
