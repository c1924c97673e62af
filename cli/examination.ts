import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fetchFailure } from '../platforms/hook-answer.ts'
import { portsOf } from '../platforms/local/layout.ts'
import { serviceStatus } from '../platforms/local/supervisor.ts'
import { journalOf, type Observation } from '../rollout/observation.ts'
import { sluiceEnvironment } from '../tools/environment.ts'
import { findProgram, isExecutable, pathDirectories } from '../tools/programs.ts'
import { readArchiveHealth } from './archive-health.ts'
import { readHookStatus } from './hook-status.ts'
import {
  alarmsFinding,
  driftFinding,
  guardFinding,
  journalFinding,
  latchFinding,
  routerFinding,
} from './observed-findings.ts'
import type { OpenStack } from './stack.ts'

/** What was found at one part of the platform. */
export interface Finding {
  part: string
  /** `absent`: not there, and need not be. */
  state: 'well' | 'ill' | 'absent'
  found: string
  /** What to type. */
  next?: string
}

type Look = () => Promise<Omit<Finding, 'part'>>

/** Looks at every part; one that fails is a finding, never the end of the examination. */
export async function examine(stack: OpenStack): Promise<Finding[]> {
  const observation = await stack.platform.observe()
  if (stack.settings.platform.kind !== 'local') return lookAt(observedParts(stack, observation))
  const deployed = existsSync(stack.layout.services)
  const parts: [string, Look][] = [
    ...programLooks(stack),
    ['home', async () => homeFinding(stack, deployed)],
  ]
  if (deployed) {
    parts.push(
      ...processNames(stack, observation).map((name): [string, Look] => [
        `process ${name}`,
        () => processFinding(stack, name),
      ]),
      ...(stack.plan.local.postgres
        ? [['archive', () => archiveFinding(stack)] as [string, Look]]
        : []),
      ['router', async () => routerFinding(observation)],
      ['guard', async () => guardFinding(stack, observation)],
      ['hook API', () => apiFinding(stack)],
      ['prometheus', () => prometheusFinding(stack)],
      ['alerts', () => alertsFinding(stack)],
      ['latch', async () => latchFinding(observation)],
      ['journal', async () => journalFinding(observation)],
      ['drift', async () => driftFinding(observation)],
    )
  }
  return lookAt(parts)
}

/** A platform that is no host is examined by what it says of itself. */
function observedParts(stack: OpenStack, observation: Observation): [string, Look][] {
  const engine: [string, Look][] = programLooks(stack).slice(0, 1)
  if (!observation.deployed) {
    const found = 'nothing is deployed; pulumi up deploys with green at 0'
    return [...engine, ['platform', async () => ({ state: 'absent', found })]]
  }
  return [
    ...engine,
    ['router', async () => routerFinding(observation)],
    ['guard', async () => guardFinding(stack, observation)],
    ['alarms', async () => alarmsFinding(observation)],
    ['latch', async () => latchFinding(observation)],
    ['journal', async () => journalFinding(observation)],
    ['drift', async () => driftFinding(observation)],
  ]
}

function lookAt(parts: [string, Look][]): Promise<Finding[]> {
  return Promise.all(
    parts.map(async ([part, look]) => ({
      part,
      ...(await look().catch((error: unknown) => ({
        state: 'ill' as const,
        found: failure(error),
      }))),
    })),
  )
}

function failure(error: unknown): string {
  const { message } = error as Error
  return message === 'fetch failed' ? `does not answer (${fetchFailure(error)})` : message
}

function programLooks({ plan }: OpenStack): [string, Look][] {
  const names = ['runsvdir', 'sv', 'haproxy', 'prometheus']
  if (plan.local.postgres) names.push('postgres', 'pg_dump', 'pg_restore', 'pgbackrest')
  return ['pulumi', ...names].map((name): [string, Look] => [
    `program ${name}`,
    async () => {
      try {
        return { state: 'well', found: name === 'pulumi' ? pulumiOnPath() : findProgram(name) }
      } catch {
        return { state: 'ill', found: 'is not found', next: 'npm run setup' }
      }
    },
  ])
}

/** The engine, as the environment of the checkout finds it. */
function pulumiOnPath(): string {
  const found = pathDirectories({ ...process.env, ...sluiceEnvironment() })
    .map((folder) => join(folder, 'pulumi'))
    .find(isExecutable)
  if (!found) throw new Error('pulumi is not on PATH')
  return found
}

function homeFinding({ layout }: OpenStack, deployed: boolean): Omit<Finding, 'part'> {
  return deployed
    ? { state: 'well', found: layout.home }
    : {
        state: 'absent',
        found: `${layout.home}: nothing is deployed; pulumi up deploys with green at 0`,
      }
}

function processNames({ plan }: OpenStack, observation: Observation): string[] {
  const at = journalOf(observation)?.verified.position
  const colours = Object.entries(plan.services).flatMap(([service, { blue, green }]) => [
    ...(blue !== 'none' && blue.command && at !== 'retired' ? [`${service}-blue`] : []),
    ...(green.command ? [`${service}-green`] : []),
  ])
  const database = plan.local.postgres ? ['postgres'] : []
  return [...database, ...colours, 'router', 'prometheus', 'hook']
}

async function processFinding(stack: OpenStack, name: string): Promise<Omit<Finding, 'part'>> {
  const { up, pid } = await serviceStatus(stack.layout, name)
  return up
    ? { state: 'well', found: `runs${pid ? `, process ${pid}` : ''}` }
    : {
        state: 'ill',
        found: `does not run; its log is in ${stack.layout.logs}/${name}`,
        next: 'pulumi up --refresh --yes',
      }
}

async function archiveFinding(stack: OpenStack): Promise<Omit<Finding, 'part'>> {
  const health = await readArchiveHealth(stack)
  if (!health) return { state: 'absent', found: 'no backup is critical, so nothing is archived' }
  if ('unavailable' in health) return { state: 'ill', found: health.unavailable, next: 'pulumi up' }
  const { state, text, next } = health
  return { state: state === 'failing' || state === 'broken' ? 'ill' : 'well', found: text, next }
}

async function apiFinding({ layout, platform }: OpenStack): Promise<Omit<Finding, 'part'>> {
  const status = await readHookStatus({ platform })
  if ('unavailable' in status) {
    return { state: 'ill', found: status.unavailable, next: `tail ${layout.logs}/hook/current` }
  }
  const { failed, pending, lastError } = status.notifications
  if (failed === 0)
    return { state: 'well', found: `answers; news: ${pending} pending, none failed` }
  return {
    state: 'ill',
    found: `${failed} notifications failed: ${lastError ?? 'unknown'}`,
    next: 'correct the address under notify: of the plan, then pulumi up',
  }
}

async function prometheusFinding({ plan, layout }: OpenStack): Promise<Omit<Finding, 'part'>> {
  const port = portsOf(plan).prometheus
  const targets = await ask<{ activeTargets: { health: string; lastError: string }[] }>(
    port,
    '/api/v1/targets?state=active',
  )
  const bad = targets.activeTargets.find(({ health }) => health !== 'up')
  if (targets.activeTargets.length > 0 && !bad) {
    return {
      state: 'well',
      found: `scrapes ${targets.activeTargets.length} ${targets.activeTargets.length === 1 ? 'target' : 'targets'}`,
    }
  }
  return {
    state: 'ill',
    found: bad ? `a target is ${bad.health}: ${bad.lastError}` : 'scrapes nothing',
    next: `tail ${layout.logs}/prometheus/current`,
  }
}

/** Alerts arrive: Prometheus has rules, knows the hook, lost none, and the hook takes its post. */
async function alertsFinding({ plan, layout }: OpenStack): Promise<Omit<Finding, 'part'>> {
  const { prometheus, hook } = portsOf(plan)
  const ill = (found: string) => ({
    state: 'ill' as const,
    found,
    next: 'pulumi up --refresh --yes',
  })
  const { groups } = await ask<{ groups: { rules: { health: string; lastError?: string }[] }[] }>(
    prometheus,
    '/api/v1/rules?type=alert',
  )
  const rules = groups.flatMap((group) => group.rules)
  const dead = rules.find(({ health }) => health === 'err')
  if (rules.length === 0) return ill('Prometheus has no alert rules')
  if (dead) return ill(`an alert rule fails: ${dead.lastError ?? 'no reason given'}`)
  const { activeAlertmanagers } = await ask<{ activeAlertmanagers: { url: string }[] }>(
    prometheus,
    '/api/v1/alertmanagers',
  )
  if (!activeAlertmanagers.some(({ url }) => url.includes(`:${hook}/`))) {
    return ill('Prometheus does not know where to post alerts')
  }
  const token = readFileSync(layout.hook.alertsToken, 'utf8').trim()
  const answer = await fetch(`http://127.0.0.1:${hook}/api/v2/alerts`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: '[]',
    signal: AbortSignal.timeout(2_000),
  })
  if (!answer.ok) return ill(`the hook answers ${answer.status} to an alert`)
  return { state: 'well', found: `${rules.length} rules; the hook takes their alerts` }
}

async function ask<T>(port: number, path: string): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    signal: AbortSignal.timeout(2_000),
  })
  if (!answer.ok) throw new Error(`Prometheus answers ${answer.status} to ${path}`)
  return ((await answer.json()) as { data: T }).data
}
