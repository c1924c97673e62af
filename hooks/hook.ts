import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { writeDurably } from '../platforms/local/durable-file.ts'
import { FileStore, readEvents } from '../platforms/local/file-store.ts'
import { type Layout, portsOf } from '../platforms/local/layout.ts'
import { isDisarmed, Operations, type TripCause } from '../platforms/operations.ts'
import { Refused } from '../platforms/platform.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import { canonical } from '../rollout/hash.ts'
import type { Alarm } from '../rollout/journal.ts'
import type { Guard, Unavailable } from '../rollout/observation.ts'
import type { GuardedRouter } from './absence.ts'
import { Alarms } from './alarms.ts'
import { mapAlert } from './alerts.ts'
import { createApi } from './api.ts'
import { Bake } from './bake.ts'
import type { PostedAlert } from './bodies.ts'
import { readCharge, readToken } from './charge.ts'
import { Checks } from './checks.ts'
import { Detectors } from './detectors.ts'
import { FlaggedRouter, Flags } from './flags.ts'
import { Gates } from './gates.ts'
import { createLog, type Logger } from './log.ts'
import { Loop } from './loop.ts'
import { Metrics } from './metrics.ts'
import { Notifier } from './notify.ts'
import { ASK_EVERY_MS, firingAlerts, needsPrometheus, Silence } from './prometheus.ts'
import { isUncopied, listenForLog, type RouterLine, sampleOf } from './router-log.ts'
import { causeOfDeath } from './server-events.ts'
import { type Charge, WatchedRouter, WatchedStore, World } from './world.ts'

/** A move begins something new: the answers from before it say nothing of what is now. */
const MOVES: RolloutEvent['kind'][] = ['verified', 'tripped', 'acknowledged', 'adopted']

export interface RunningHook {
  port: number
  logPort: number
  stop(): Promise<void>
}

export interface HookOptions {
  /** Ports other than the plan's; 0 for any. */
  ports?: { api: number; log: number }
  /** True to come up without touching router, latch, journal or heartbeat. */
  passive?: boolean
  log?: Logger
}

/**
 * Starts the hook of a home: the API, the router's log, the judges, and the loop.
 * @throws Error when the plan cannot be read or a port is taken
 */
export async function startHook(
  layout: Layout,
  guarded: GuardedRouter & { saveState?(): Promise<void> },
  options: HookOptions = {},
): Promise<RunningHook> {
  const log = options.log ?? createLog()
  const world = new World(readCharge(layout.hook.plan))
  const ports = options.ports ?? {
    api: portsOf(world.charge.plan).hook,
    log: portsOf(world.charge.plan).hook,
  }
  const metrics = new Metrics()
  const notifier = new Notifier()
  const silence = new Silence(performance.now())
  const bake = new Bake(metrics)
  const store = new WatchedStore(new FileStore(layout), world)

  const announce = (event: RolloutEvent) => {
    if (MOVES.includes(event.kind)) bake.restart()
    log[event.severity === 'info' ? 'info' : 'warn']({ event: event.kind }, event.message)
    const trip = event.kind === 'tripped' ? event.details?.['trip'] : undefined
    if (typeof trip === 'number') loop.otherTrips.told(trip)
    notifier.tell(world.charge.plan, event)
  }
  const trip = (cause: TripCause): void => {
    void operations.trip(cause).catch((error) => log.error({ err: error }, 'a rollback failed'))
  }
  const detectors = new Detectors(world, metrics, trip)
  const flags = new Flags(world, layout.flags, metrics.registry, (message) => {
    void operations.record({ kind: 'flag', message, severity: 'critical' })
  })
  const flagged = new FlaggedRouter(guarded, flags, () => world.weights)
  const router = new WatchedRouter(flagged, world, (service) => {
    detectors.reset(service)
    // At once: Prometheus must not miss a short time without weight between two attempts.
    metrics.setWeights(world.weights)
  })
  const alarmsUnknown = (): string | undefined =>
    needsPrometheus(world.charge.plan) ? silence.reason(performance.now()) : undefined
  const alarmsNow = (): Alarm[] | Unavailable => {
    const reason = alarmsUnknown()
    return reason === undefined ? alarms.list() : { unavailable: reason }
  }
  const guard = (): Guard => {
    const reason = trouble() ?? (loop.judged ? undefined : 'the router does not answer it')
    return { alive: reason === undefined, planHash: world.charge.planHash, reason }
  }
  const operations = new Operations({
    store,
    router,
    now: () => new Date(),
    alarms: alarmsNow,
    guard,
    announce,
  })
  const alarms = new Alarms(
    (event) => void operations.record(event),
    async (alarm) => {
      if (!world.judges(alarm.service)) return
      await operations.trip({
        cause: alarm.guardrail,
        value: alarm.value,
        threshold: alarm.threshold,
        reason: `guardrail ${alarm.guardrail} fires for ${alarm.service}: ${alarm.value} against ${alarm.threshold}`,
        firstBadAt: alarm.since,
      })
    },
    ({ then }) => (world.journal && isDisarmed(world.journal) ? 'released, so only told' : then),
  )
  const checks = new Checks(world, alarms, trip)
  const gates = new Gates(world, metrics, operations, trip)
  const loop = new Loop({
    world,
    store,
    router,
    guarded,
    operations,
    metrics,
    detectors,
    gates,
    bake,
    trip,
    tell: (event) => notifier.tell(world.charge.plan, event),
    heartbeat: layout.hook.heartbeat,
    alarmsKnown: () => alarmsUnknown() === undefined,
    flags,
    log,
  })

  let listening = false
  const trouble = (): string | undefined =>
    listening ? loop.trouble() : "it does not hear the router's log"

  const onLine = (line: RouterLine) => {
    if (line.kind === 'server') {
      metrics.setServerUp(line.service, line.colour, line.up)
      if (!world.judges(line.service)) return
      const cause = causeOfDeath(world.charge.plan, line, new Date())
      if (cause) trip(cause)
      return
    }
    if (!Object.hasOwn(world.charge.plan.services, line.service)) return
    if (line.kind === 'copies') {
      metrics.setCopies(line)
      return
    }
    if (isUncopied(line)) metrics.addUncopied(line.service)
    const sample = sampleOf(line)
    if (!sample) return
    // First what may roll back: counting can wait.
    detectors.judge(sample)
    metrics.record(sample, world.beforeFirstStep)
  }

  const unknownAlerts = new Set<string>()
  const mapped = (alerts: PostedAlert[]) =>
    alerts.flatMap((alert) => {
      const found = mapAlert(world.charge.plan, alert, new Date())
      if (found) return [found]
      const name = `${alert.labels['guardrail'] ?? alert.labels['alertname']} on ${alert.labels['service']}`
      if (!unknownAlerts.has(name) && unknownAlerts.size < 1_000) {
        unknownAlerts.add(name)
        log.warn(`an alert that the plan does not know: ${name.slice(0, 200)}`)
      }
      return []
    })
  const takeAlerts = async (alerts: PostedAlert[]) => {
    await Promise.all(
      mapped(alerts).map(async ({ firing, alarm }) =>
        firing ? alarms.firing(alarm) : alarms.resolved(alarm),
      ),
    )
  }

  let told = false
  const askPrometheus = async () => {
    if (!needsPrometheus(world.charge.plan)) return
    try {
      const alerts = await firingAlerts(portsOf(world.charge.plan).prometheus)
      silence.answered(performance.now())
      // Checks are the hook's own; Prometheus does not list them.
      await alarms.listed(
        mapped(alerts).map(({ alarm }) => alarm),
        ({ guardrail }) => world.charge.plan.guardrails[guardrail]?.check === undefined,
      )
    } catch (error) {
      log.debug({ err: error }, 'Prometheus does not answer')
    }
    const reason = alarmsUnknown()
    if (reason === undefined && told) {
      void operations.record({
        kind: 'guard',
        message: 'Prometheus is back, and the alarms are known again',
        severity: 'info',
      })
    }
    if (reason !== undefined && !told && !silence.early(performance.now())) {
      void operations.record({
        kind: 'guard',
        message: `${reason}: the alarms are unknown, so every rise is held and the bake stands still`,
        severity: 'warning',
      })
      told = true
    }
    if (reason === undefined) told = false
  }

  const begin = (charge: Charge) => {
    world.charge = charge
    metrics.begin(Object.keys(charge.plan.services))
    detectors.refresh()
    if (!options.passive) checks.start()
  }
  const setCharge = async (charge: Charge) => {
    const [now, next] = [portsOf(world.charge.plan), portsOf(charge.plan)]
    if (now.hook !== next.hook || now.prometheus !== next.prometheus) {
      throw new Refused('the plan moves the hook to other ports; next: start the hook anew')
    }
    writeDurably(layout.hook.plan, canonical(charge))
    begin(charge)
    await operations.setPlan(charge.plan, charge.planHash)
  }

  begin(world.charge)
  const socket = await listenForLog(ports.log, onLine)
  socket.on('error', (error) => log.error({ err: error }, "the router's log"))
  listening = true
  const api = createApi({
    operations,
    token: readToken(layout.hook.token),
    alertsToken: readToken(layout.hook.alertsToken),
    charge: () => world.charge,
    setCharge,
    trouble,
    readWeights: () => router.read(),
    measure: (service, colour, windowMs) => metrics.measure(service, colour, windowMs),
    events: (limit) => readEvents(layout, limit),
    backups: async () => (await store.readJournal())?.backups ?? [],
    status: async () => ({
      observation: await operations.observe(),
      position: world.journal?.verified.position,
      guardedMs: world.journal?.guardedMs ?? 0,
      measurements: Object.fromEntries(
        Object.keys(world.charge.plan.services).map((service) => [
          service,
          {
            blue: metrics.measure(service, 'blue', 10_000),
            green: metrics.measure(service, 'green', 10_000),
          },
        ]),
      ),
      notifications: notifier.status(),
      events: readEvents(layout, 30),
    }),
    takeAlerts,
    metrics: (agent) => {
      if (agent.startsWith('Prometheus/')) silence.scraped(performance.now())
      return metrics.registry.metrics()
    },
    onError: (error) => log.error({ err: error }, 'a request failed'),
  })
  const server = createAdaptorServer({ fetch: api.fetch }) as Server
  // Node's five seconds close a connection in the moment in which Prometheus uses it again.
  server.keepAliveTimeout = 0
  server.listen(ports.api, '127.0.0.1')
  await once(server, 'listening')

  let asking: NodeJS.Timeout | undefined
  if (!options.passive) {
    await loop.start()
    asking = setInterval(askPrometheus, ASK_EVERY_MS)
    void askPrometheus()
  }
  log.info({ planHash: world.charge.planHash }, `guards ${world.charge.plan.name}`)

  return {
    port: (server.address() as AddressInfo).port,
    logPort: socket.address().port,
    stop: async () => {
      clearInterval(asking)
      checks.stop()
      gates.stop()
      notifier.stop()
      await loop.stop()
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      socket.close()
      await closed
    },
  }
}
