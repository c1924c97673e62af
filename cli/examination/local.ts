import { existsSync, readFileSync } from 'node:fs'
import { portsOf } from '../../platforms/local/layout.ts'
import { serviceStatus } from '../../platforms/local/supervisor.ts'
import { journalOf, type Observation } from '../../rollout/observation.ts'
import { readArchiveHealth } from '../archive-health.ts'
import type { OpenStack } from '../stack.ts'
import {
  apiFinding,
  driftFinding,
  guardFinding,
  journalFinding,
  latchFinding,
  programLooks,
  routerFinding,
} from './common.ts'
import type { Found, Look } from './finding.ts'

/** The parts of a rollout on this host. */
export function localParts(stack: OpenStack, observation: Observation): Look[] {
  const deployed = existsSync(stack.layout.services)
  const names = ['runsvdir', 'sv', 'haproxy', 'prometheus']
  const { postgres } = stack.plan.local
  if (postgres) names.push('postgres', 'pg_dump', 'pg_restore', 'pgbackrest')
  const begin: Look[] = [...programLooks(names), ['home', async () => homeFinding(stack, deployed)]]
  if (!deployed) return begin
  const archive: Look[] = postgres ? [['archive', () => archiveFinding(stack)]] : []
  return [
    ...begin,
    ...processNames(stack, observation).map(
      (name): Look => [`process ${name}`, () => processFinding(stack, name)],
    ),
    ...archive,
    ['router', async () => routerFinding(observation)],
    ['guard', async () => guardFinding(stack, observation)],
    ['hook API', () => apiFinding(stack, `tail ${stack.layout.logs}/hook/current`)],
    ['prometheus', () => prometheusFinding(stack)],
    ['alerts', () => alertsFinding(stack)],
    ['latch', async () => latchFinding(observation)],
    ['journal', async () => journalFinding(observation)],
    ['drift', async () => driftFinding(observation)],
  ]
}

function homeFinding({ layout }: OpenStack, deployed: boolean): Found {
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

async function processFinding(stack: OpenStack, name: string): Promise<Found> {
  const { up, pid } = await serviceStatus(stack.layout, name)
  return up
    ? { state: 'well', found: `runs${pid ? `, process ${pid}` : ''}` }
    : {
        state: 'ill',
        found: `does not run; its log is in ${stack.layout.logs}/${name}`,
        next: 'pulumi up --refresh --yes',
      }
}

async function archiveFinding(stack: OpenStack): Promise<Found> {
  const health = await readArchiveHealth(stack)
  if (!health) return { state: 'absent', found: 'no backup is critical, so nothing is archived' }
  if ('unavailable' in health) return { state: 'ill', found: health.unavailable, next: 'pulumi up' }
  const { state, text, next } = health
  return { state: state === 'failing' || state === 'broken' ? 'ill' : 'well', found: text, next }
}

async function prometheusFinding({ plan, layout }: OpenStack): Promise<Found> {
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
async function alertsFinding({ plan, layout }: OpenStack): Promise<Found> {
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
