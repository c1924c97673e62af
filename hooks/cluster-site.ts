import { setTimeout as pause } from 'node:timers/promises'
import { rolloutLabel } from '../platforms/kubernetes/alert-rules.ts'
import type { ClusterApi, ClusterObject } from '../platforms/kubernetes/api.ts'
import { takeBackupInJob } from '../platforms/kubernetes/backup-job.ts'
import { existingBackend } from '../platforms/kubernetes/existing.ts'
import {
  BETWEEN_COLOURS,
  configMaps,
  HOOK_PORT,
  objectName,
  type Place,
  secrets,
} from '../platforms/kubernetes/names.ts'
import { GatewayProbe } from '../platforms/kubernetes/probe.ts'
import { RouteRouter } from '../platforms/kubernetes/router.ts'
import { ConfigMapStore } from '../platforms/kubernetes/store.ts'
import { layoutOf } from '../platforms/local/layout.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import { canonical } from '../rollout/hash.ts'
import { kubernetesPart } from '../rollout/schema/kubernetes.ts'
import { split } from '../rollout/weights.ts'
import type { GuardedRouter } from './absence.ts'
import { chargeBody, describeIssues } from './bodies.ts'
import { ClusterFigures, memoryNews } from './cluster-figures.ts'
import { clusterSurroundings, readPreviousIn } from './cluster-surroundings.ts'
import { hearGateway } from './gateway-answers.ts'
import { probePath } from './probe-path.ts'
import type { HookSite } from './site.ts'
import type { Charge } from './world.ts'

/** The hook's own folder in its pod; it is gone with it. */
const SCRATCH = '/run/sluice/scratch'
const LOOK_EVERY_MS = 500

type ConfigMap = ClusterObject & { data?: Record<string, string> }

/** What tells people of the gateway's ways; must not throw. */
export type Tell = (event: Omit<RolloutEvent, 'at'>) => void

/** The hook of a rollout in its cluster: ConfigMaps, HTTPRoutes, the gateway's own metrics. */
export async function clusterSite(
  api: ClusterApi,
  place: Place,
  charge: Charge,
  tell: Tell,
  leads: () => string | undefined,
): Promise<HookSite> {
  const layout = layoutOf(SCRATCH)
  const store = new ConfigMapStore(api, place)
  store.known.push(...(await store.readEvents()))
  const token = await tokenOf(api, place)
  let plan = charge.plan
  const part = kubernetesPart(plan)
  const figures = new ClusterFigures(api, place)
  let toldOfMemory = false
  const plain = new RouteRouter({
    api,
    place,
    backend: (service, colour) => existingBackend(plan, place, service, colour),
    probe:
      part.address === undefined
        ? undefined
        : new GatewayProbe({
            address: part.address,
            // Of a wildcard, one of the hosts that it stands for.
            host: part.hostnames?.[0]?.replace(/^\*/, 'sluice'),
            path: (service) => probePath(plan, service),
            few: (service, answers, needed) =>
              tell({
                kind: 'guard',
                message: `the gateway sent all of the ${answers} requests of ${service} where its route says, and no more were answered in time; ${needed} would prove that it no longer does what it did before`,
                severity: 'warning',
              }),
            slow: (service, ms) =>
              tell({
                kind: 'guard',
                message: `the gateway took ${(ms / 1_000).toFixed(1)} s to do what the route of ${service} says: it gathers changes (Traefik: providers.providersThrottleDuration, 2s by default); a rollback right after a step waits as long`,
                severity: 'warning',
              }),
          }),
  })
  return {
    charge,
    store,
    router: unsuspended(plain),
    listen: { host: process.env['HOST'] ?? '0.0.0.0', port: HOOK_PORT },
    token,
    // Nobody posts alerts here: the hook asks Prometheus for those that fire.
    alertsToken: '',
    prometheus: part.prometheus.replace(/\/$/, ''),
    rollout: rolloutLabel(place),
    layout,
    around: clusterSurroundings(api, place),
    hear: async (onLine) => {
      const heard = hearGateway(
        () => plan,
        place,
        onLine,
        (address) =>
          tell({
            kind: 'guard',
            message: `the gateway's metrics at ${address} are those of several replicas, one at a time, so a part of the answers is counted late; next: in the plan, kubernetes.metrics: the name of a headless Service of them, or a list with the address of each`,
            severity: 'warning',
          }),
      )
      return { ...heard, trouble: () => leads() ?? heard.trouble() }
    },
    keepCharge: async (next) => {
      plan = next.plan
      const path = `${configMaps(place)}/${objectName(place, 'plan')}`
      await api.patch(path, 'merge', { data: { charge: canonical(next) } })
    },
    events: (limit) => store.known.slice(-limit),
    writeFlags: async (text) => {
      const path = `${configMaps(place)}/${objectName(place, 'flags')}`
      await api.patch(path, 'merge', { data: { 'flags.json': text } })
    },
    // A request carries the bucket of its colour: what is on for green never changes with a weight.
    flagWeights: (weights) =>
      Object.fromEntries(Object.keys(weights).map((service) => [service, split(BETWEEN_COLOURS)])),
    // The gateway takes no traffic from green while the hook is away, and so nothing comes back.
    awayFor: () => 0,
    beat: () => {},
    processes: (now) => {
      const news = toldOfMemory ? undefined : memoryNews(now, place, figures.memoryTrouble)
      if (news) tell(news)
      toldOfMemory ||= news !== undefined
      return figures.read()
    },
    previous: ({ plan: now, environment }) => readPreviousIn(api, place, now, environment),
    takeBackup: (name, now) => takeBackupInJob(api, place, name, now, () => {}),
  }
}

/** Reads what is to be guarded; waits where it is not there yet. */
export async function awaitCharge(api: ClusterApi, place: Place): Promise<Charge> {
  for (;;) {
    const charge = await findCharge(api, place).catch(() => undefined)
    if (charge) return charge
    await pause(LOOK_EVERY_MS)
  }
}

/** @throws Error where it makes no sense */
export async function findCharge(api: ClusterApi, place: Place): Promise<Charge | undefined> {
  const found = await api.find<ConfigMap>(`${configMaps(place)}/${objectName(place, 'plan')}`)
  const text = found?.data?.['charge']
  if (text === undefined) return undefined
  const parsed = chargeBody.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  throw new Error(`ConfigMap ${objectName(place, 'plan')}: ${describeIssues(parsed.error)}`)
}

async function tokenOf(api: ClusterApi, place: Place): Promise<string> {
  const path = `${secrets(place)}/${objectName(place, 'hook')}`
  const { data = {} } = await api.get<ConfigMap>(path)
  return Buffer.from(data['token'] ?? '', 'base64').toString()
}

function unsuspended(router: RouteRouter): GuardedRouter {
  return {
    native: true,
    read: () => router.read(),
    write: (weights) => router.write(weights),
    healthy: (service, colour) => router.healthy(service, colour),
    guardUp: async () => true,
    raiseGuard: async () => {},
    mayRise: (service, before, after) => router.mayRise(service, before, after),
    seen: (services, before) => router.seen(services, before),
  }
}
