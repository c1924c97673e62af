import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { isDisarmed, Operations, type TripCause } from '../platforms/operations.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { Guard } from '../rollout/observation.ts'
import { Actions } from './actions.ts'
import { Alarms } from './alarms.ts'
import { AlertIntake } from './alert-intake.ts'
import { isKnown } from './alerts.ts'
import { createApi } from './api.ts'
import { ArchiveWatch } from './archive-watch.ts'
import { Bake } from './bake.ts'
import { Checks } from './checks.ts'
import { Detectors } from './detectors.ts'
import { Escalation } from './escalation.ts'
import { Externals } from './externals.ts'
import { FlaggedRouter, Flags, setFlagFor } from './flags.ts'
import { ContinuousGates } from './gates/continuous.ts'
import { Gates } from './gates.ts'
import { createLog, type Logger } from './log.ts'
import { Loop } from './loop.ts'
import { Metrics } from './metrics.ts'
import { Notifier } from './notify.ts'
import { OperationsRunner } from './operations-runner.ts'
import { Reports } from './reports.ts'
import { RollbackSeconds } from './rollback-seconds.ts'
import { isUncopied, type RouterLine, sampleOf } from './router-log.ts'
import { ScheduledBackups } from './scheduled-backups.ts'
import { causeOfDeath } from './server-events.ts'
import type { Hearing, HookSite } from './site.ts'
import { TakeDown } from './take-down.ts'
import { type Charge, WatchedRouter, WatchedStore, World } from './world.ts'

/** A move begins something new: the answers from before it say nothing of what is now. */
const MOVES: RolloutEvent['kind'][] = [
  'verified',
  'tripped',
  'descended',
  'acknowledged',
  'adopted',
]

export interface RunningHook {
  port: number
  /** Where lines of the router's log may be sent, on a platform whose router sends them. */
  logPort?: number
  /** Guards another plan from now on. */
  take(charge: Charge): Promise<void>
  /** Writes an event into the history, and tells people. */
  record(event: Omit<RolloutEvent, 'at'>): void
  stop(): Promise<void>
}

export interface HookOptions {
  /** True to come up without touching router, latch, journal or heartbeat. */
  passive?: boolean
  log?: Logger
}

/**
 * Starts the hook: the API, what hears the router, the judges, and the loop.
 * @throws Error when the plan cannot be read or a port is taken
 */
export async function startHook(site: HookSite, options: HookOptions = {}): Promise<RunningHook> {
  const log = options.log ?? createLog()
  const { layout, around, router: guarded } = site
  const world = new World(site.charge, site.prometheus)
  const metrics = new Metrics()
  if (site.rollout !== undefined) metrics.registry.setDefaultLabels({ rollout: site.rollout })
  metrics.watchProcesses(() => site.processes?.(world.charge.plan) ?? [])
  const notifier = new Notifier()
  const bake = new Bake(metrics)
  const store = new WatchedStore(site.store, world)

  const history = site.events(10_000)
  const rollbackSeconds = new RollbackSeconds(metrics.registry, history)
  const announce = (event: RolloutEvent) => {
    if (MOVES.includes(event.kind)) bake.restart()
    log[event.severity === 'info' ? 'info' : 'warn']({ event: event.kind }, event.message)
    const trip = event.kind === 'tripped' ? event.details?.['trip'] : undefined
    rollbackSeconds.tell(event)
    if (typeof trip === 'number') loop.otherTrips.told(trip)
    notifier.tell(world.charge.plan, event)
  }
  const trip = (cause: TripCause): void => {
    void operations.trip(cause).catch((error) => log.error({ err: error }, 'a rollback failed'))
  }
  const detectors = new Detectors(world, metrics, trip)
  const answers = (service: string) => ({
    blue: metrics.measure(service, 'blue', 10_000).requests,
    green: metrics.measure(service, 'green', 10_000).requests,
  })
  const tellOfFlags = (message: string) => {
    void operations.record({ kind: 'flag', message, severity: 'critical' })
  }
  const flags = new Flags(world, site.writeFlags, metrics.registry, tellOfFlags, answers)
  const flagged = new FlaggedRouter(guarded, flags, () => world.weights)
  const router = new WatchedRouter(flagged, world, (service) => {
    detectors.reset(service)
    escalation.moved(service)
    // At once: Prometheus must not miss a short time without weight between two attempts.
    metrics.setWeights(world.weights)
  })
  const guard = (): Guard => {
    const reason = trouble() ?? (loop.judged ? undefined : 'the router does not answer it')
    return { alive: reason === undefined, planHash: world.charge.planHash, reason }
  }
  const operations: Operations = new Operations({
    store,
    router,
    now: () => new Date(),
    alarms: () => intake.now(),
    guard,
    previous: async () => site.previous?.(world.charge),
    announce,
  })
  const alarms: Alarms = new Alarms(
    (event) => void operations.record(event),
    (alarm, begins) => actions.act(alarm, begins),
    ({ then }) => (world.journal && isDisarmed(world.journal) ? 'released, so only told' : then),
  )
  const actions: Actions = new Actions({ world, around, operations })
  const intake: AlertIntake = new AlertIntake({
    world,
    alarms,
    operations,
    log,
    rollout: site.rollout,
  })
  const escalation = new Escalation(world, metrics, (event) => operations.record(event), trip)
  const checks = new Checks(world, around, alarms, trip)
  const externals = new Externals(world, around, alarms)
  const gates = new Gates({ world, metrics, operations, around, layout })
  const continuous = new ContinuousGates({ world, metrics, around, layout, alarms })
  const runner = new OperationsRunner({
    world,
    around,
    operations,
    onError: (error) => log.error({ err: error }, 'an operation'),
  })
  const scheduled = new ScheduledBackups({ world, takeBackup: site.takeBackup, operations })
  const archive = site.archive && new ArchiveWatch({ world, archive: site.archive, operations })
  const takeDown = new TakeDown({
    world,
    around,
    operations,
    readWeights: () => router.read(),
    onError: (error) => log.error({ err: error }, 'taking an operation back'),
  })
  const reports = new Reports({
    world,
    metrics,
    operations,
    last: history.findLast(({ kind }) => kind === 'report'),
    onError: (error) => log.error({ err: error }, 'a report'),
  })
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
    heartbeat: site,
    alarms: () => alarms.list(),
    alarmsKnown: () => intake.silent() === undefined,
    escalation,
    flags,
    background: [runner, reports, scheduled, archive].map((each) => () => each?.consider()),
    log,
  })

  let hearing: Hearing | undefined
  const trouble = (): string | undefined =>
    hearing ? (hearing.trouble?.() ?? loop.trouble()) : 'it does not hear the router'

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

  const begin = (charge: Charge) => {
    world.charge = charge
    metrics.begin(Object.keys(charge.plan.services))
    detectors.refresh()
    if (!options.passive) {
      alarms.keep(({ guardrail }) => isKnown(charge.plan, guardrail))
      checks.start()
      externals.start()
      continuous.start()
    }
  }
  const setCharge = async (charge: Charge) => {
    await site.keepCharge(charge)
    begin(charge)
    await operations.setPlan(charge.plan, charge.planHash, charge.clock)
  }

  begin(world.charge)
  hearing = await site.hear(onLine, (error) => log.error({ err: error }, 'hearing the router'))
  const api = createApi({
    operations,
    token: site.token,
    alertsToken: site.alertsToken,
    charge: () => world.charge,
    setCharge,
    trouble,
    readWeights: () => router.read(),
    measure: (service, colour, windowMs) => metrics.measure(service, colour, windowMs),
    events: (limit) => site.events(limit),
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
      events: site.events(30),
    }),
    takeAlerts: (alerts) => intake.take(alerts),
    setFlag: (flag, on, by) => setFlagFor(flags, world, operations, { flag, on, by }),
    takeDown: (operation, by) => takeDown.begin(operation, by),
    metrics: (agent) => {
      if (agent.startsWith('Prometheus/')) intake.scraped()
      return metrics.registry.metrics()
    },
    onError: (error) => log.error({ err: error }, 'a request failed'),
  })
  const server = createAdaptorServer({ fetch: api.fetch }) as Server
  // Node's five seconds close a connection in the moment in which Prometheus uses it again.
  server.keepAliveTimeout = 0
  server.listen(site.listen.port, site.listen.host)
  await once(server, 'listening')

  if (!options.passive) {
    const { plan, planHash, clock } = world.charge
    // A hook that was started with another plan or clock has had nobody hand it over.
    await operations.setPlan(plan, planHash, clock)
    await loop.start()
    intake.start()
  }
  log.info({ planHash: world.charge.planHash }, `guards ${world.charge.plan.name}`)

  return {
    port: (server.address() as AddressInfo).port,
    logPort: hearing.port,
    take: setCharge,
    record: (event) => void operations.record(event),
    stop: async () => {
      intake.stop()
      actions.stop()
      reports.stop()
      takeDown.stop()
      checks.stop()
      externals.stop()
      continuous.stop()
      gates.stop()
      notifier.stop()
      await Promise.all([loop.stop(), runner.stop(), scheduled.stop(), archive?.stop()])
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      hearing?.close()
      await closed
    },
  }
}
