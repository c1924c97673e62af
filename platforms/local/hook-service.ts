import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { canonical } from '../../rollout/hash.ts'
import type { Plan } from '../../rollout/plan.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import { databaseEnvironment, type Layout, portsOf } from './layout.ts'
import { installService, restartService, serviceStatus, waitFor } from './supervisor.ts'

export interface HookSpec {
  plan: Plan
  planHash: string
  clock: number
  environment?: string
  /** The checkout: the hook's code, and what relative paths of the plan start from. */
  folder: string
  progress(message: string): void
  signal: AbortSignal
}

/**
 * Brings the hook to a plan. One that runs takes a new plan without a pause in its guard; a new
 * program is proved beside the old one before the old one ends.
 */
export async function applyHook(layout: Layout, spec: HookSpec): Promise<void> {
  const { plan, planHash, clock, environment: of } = spec
  const charge = { plan, planHash, clock, ...(of === undefined ? {} : { environment: of }) }
  const port = portsOf(plan).hook
  const before = readIfThere(layout.hook.plan)
  const former = before === undefined ? undefined : (JSON.parse(before).plan as Plan)
  const samePorts = former !== undefined && portsOf(former).hook === port
  // A process that runs gets no new variables.
  const known = new Set(variablesOf(former))
  const sameVariables = variablesOf(plan).every((name) => known.has(name))
  const runs = (await serviceStatus(layout, 'hook')).up
  if (runs && samePorts && sameVariables && (await handOver(layout, port, charge))) return

  spec.progress('proving the hook')
  writeDurably(layout.hook.plan, canonical(charge))
  const command = [process.execPath, 'hooks/daemon.ts', layout.home]
  const environment = { ...planEnvironment(plan), ...databaseEnvironment(plan, layout) }
  await prove([...command, '--check'], spec.folder, environment)
  const { pid } = await serviceStatus(layout, 'hook')
  const status = await installService(layout, 'hook', { command, environment, cwd: spec.folder })
  // One that runs and did not take the plan hangs: what has not ended by itself is ended.
  if (status.pid === pid) await restartService(layout, 'hook')
  spec.progress('waiting for the hook to guard this plan')
  await waitFor(async () => (await guardedHash(port)) === planHash, {
    timeoutMs: 30_000,
    what: `the hook to guard plan ${planHash} on 127.0.0.1:${port}; its log is in ${layout.logs}/hook`,
    signal: spec.signal,
  })
}

async function handOver(layout: Layout, port: number, body: object): Promise<boolean> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/plan`, {
    method: 'PUT',
    headers: {
      authorization: `Bearer ${readFileSync(layout.hook.token, 'utf8').trim()}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  }).catch(() => undefined)
  await response?.body?.cancel()
  return response?.ok ?? false
}

/** The hash of the plan that the hook says it guards; undefined where it does not answer. */
export async function guardedHash(port: number): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${port}/healthz`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => undefined)
  if (!response?.ok) return undefined
  return ((await response.json()) as { planHash?: string }).planHash
}

async function prove(
  [program, ...rest]: string[],
  cwd: string,
  environment: Record<string, string>,
): Promise<void> {
  const child = spawn(program as string, rest, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 30_000,
  })
  let said = ''
  child.stderr.on('data', (chunk) => {
    said = (said + chunk).slice(-4_000)
  })
  const [code] = await once(child, 'exit')
  if (code !== 0) {
    throw new Error(`the new hook does not come up, so the old one keeps guarding:\n${said}`)
  }
}

/** The variables that the plan reads with `env:NAME`, as far as they are set here. */
function planEnvironment(plan: Plan): Record<string, string> {
  return Object.fromEntries(
    variablesOf(plan).flatMap((name) => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, value]]
    }),
  )
}

/** Every name that stands as `env:NAME` somewhere in a plan: channels, databases, commands. */
export function variablesOf(part: unknown): string[] {
  if (typeof part === 'string') return part.startsWith('env:') ? [part.slice('env:'.length)] : []
  if (typeof part !== 'object' || part === null) return []
  return [...new Set(Object.values(part).flatMap(variablesOf))]
}
