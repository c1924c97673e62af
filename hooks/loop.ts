import { failureOf, messageOf } from '../platforms/operations/outcomes.ts'
import type { Operations, TripCause } from '../platforms/operations.ts'
import { Corrupt } from '../platforms/platform.ts'
import type { Router } from '../platforms/router.ts'
import type { RolloutEvent, Store } from '../platforms/store.ts'
import { isUnstable } from '../rollout/descent.ts'
import type { Alarm } from '../rollout/journal.ts'
import { isMeasuring } from '../rollout/rollback-limits.ts'
import { anyGreen } from '../rollout/weights.ts'
import { type GuardedRouter, judgeAbsence } from './absence.ts'
import { type Bake, GAP_MS } from './bake.ts'
import type { Detectors } from './detectors.ts'
import type { Escalation } from './escalation.ts'
import type { Flags } from './flags.ts'
import type { Gates } from './gates.ts'
import type { Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import { OtherTrips } from './other-trips.ts'
import { causeOfDeath } from './server-events.ts'
import type { World } from './world.ts'

const TICK_MS = 250
/** Journal, servers and references are looked at once in so many ticks. */
const SLOW_TICKS = 4
/** What the router knows of the guard is kept for the case of its crash. */
const SAVE_TICKS = 20
/** People hear of a latch that cannot be read for longer. */
const BLIND_MS = 5_000

export interface LoopParts {
  world: World
  store: Store
  router: Router
  guarded: GuardedRouter & { saveState?(): Promise<void> }
  operations: Operations
  metrics: Metrics
  detectors: Detectors
  gates: Gates
  flags: Flags
  /** Work that goes on by itself: begun with every slow look, returns at once, never throws. */
  background: (() => void)[]
  bake: Bake
  trip(cause: TripCause): void
  heartbeat: { awayFor(): number | undefined; beat(): void }
  /** Tells people of what already stands in the history. */
  tell(event: RolloutEvent): void
  /** The alarms that are active, as far as they are known. */
  alarms(): Alarm[]
  /** False while the alarms are unknown: such time is not time under guard. */
  alarmsKnown(): boolean
  escalation: Escalation
  log: Logger
}

/** What the hook does four times a second: keep the latch, count guarded time, look after the router. */
export class Loop {
  readonly #parts: LoopParts
  #timer: NodeJS.Timeout | undefined
  #beating: NodeJS.Timeout | undefined
  #stopped = false
  #ticks = 0
  #last = performance.now()
  #completed = performance.now()
  /** Since when the hook was away before this start; undefined: nobody knows. */
  readonly #awayMs: number | undefined
  readonly otherTrips: OtherTrips
  #judged = false
  /** Since when the latch cannot be asked for; undefined while it can. */
  #blindSince: number | undefined
  #toldOfBlindness = false
  /** The longest that it stood still since the router was asked last. */
  #stoodMs = 0
  #blueDown = new Set<string>()
  #complaint = ''
  constructor(parts: LoopParts) {
    this.#parts = parts
    this.#awayMs = parts.heartbeat.awayFor()
    this.otherTrips = new OtherTrips(Date.now() - (this.#awayMs ?? 0))
  }

  /** Runs a first tick and goes on by itself. */
  async start(): Promise<void> {
    this.#beating = setInterval(() => {
      // Until an absence is judged, the old heartbeat must stay: the next start would not know of it.
      if (this.#judged) this.#parts.heartbeat.beat()
    }, TICK_MS)
    await this.#tick()
    this.#next()
  }

  /** Resolves when the tick that runs has ended. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    clearInterval(this.#beating)
  }

  /** Why the hook does not guard; undefined while it does. */
  trouble(): string | undefined {
    const silent = performance.now() - this.#completed
    if (silent > 5_000) return `its loop has not turned for ${Math.round(silent / 1_000)} s`
    return undefined
  }

  /** False until the router has been asked what happened while the hook was away. */
  get judged(): boolean {
    return this.#judged
  }

  #next(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(async () => {
      await this.#tick()
      this.#next()
    }, TICK_MS)
  }

  async #tick(): Promise<void> {
    const { log } = this.#parts
    this.#count()
    try {
      await this.#look()
      this.#complaint = ''
    } catch (error) {
      const message = messageOf(error)
      // Once a reason, not four times a second.
      if (message !== this.#complaint) log.error({ err: error }, `the hook cannot look: ${message}`)
      this.#complaint = message
    }
    this.#completed = performance.now()
    this.#ticks++
  }

  #count(): void {
    const { bake, world, operations, alarmsKnown } = this.#parts
    const now = performance.now()
    const passed = now - this.#last
    this.#last = now
    if (passed > GAP_MS) {
      this.#stoodMs = Math.max(this.#stoodMs, passed)
      void operations.record({
        kind: 'guard',
        message: `the hook was stopped or had no time for ${Math.round(passed / 100) / 10} s; the bake does not count it`,
        severity: 'warning',
      })
      return
    }
    if (this.#judged && this.#blindSince === undefined && alarmsKnown())
      bake.add(passed, world.journal, world.weights)
  }

  async #look(): Promise<void> {
    const { world, store, router, operations, gates } = this.#parts
    const slow = this.#ticks % SLOW_TICKS === 0
    await this.#readLatch()
    if (slow || !this.#judged) await store.readJournal()
    if (!this.#judged) await this.#judge(this.#awayMs)
    const news = this.otherTrips.news(world.latch)
    if (news) this.#parts.tell(news)
    // A read that failed says nothing: it holds every rise, and takes nothing back.
    if (this.#blindSince === undefined) await this.#keepLatch()
    await this.#parts.flags.refresh()
    if (!slow) return
    await router.read()
    this.#parts.escalation.look()
    await this.#descend()
    if (isMeasuring(world.journal, world.latch)) await operations.measure()
    await this.#writeJournal()
    this.#parts.detectors.refresh()
    for (const begin of this.#parts.background) begin()
    void gates.consider().catch((error) => this.#parts.log.error({ err: error }, 'a gate'))
    await this.#lookAtServers()
    await this.#judge(0)
    if (this.#ticks % SAVE_TICKS === 0) await this.#parts.guarded.saveState?.()
  }

  async #readLatch(): Promise<void> {
    const failure = await failureOf(this.#parts.store.readLatch())
    if (failure === undefined || failure instanceof Corrupt) {
      this.#blindSince = undefined
      this.#toldOfBlindness = false
      return
    }
    this.#blindSince ??= performance.now()
    // A moment without an answer wakes nobody.
    if (this.#toldOfBlindness || performance.now() - this.#blindSince < BLIND_MS) return
    this.#toldOfBlindness = true
    void this.#parts.operations.record({
      kind: 'guard',
      message: `the latch cannot be read: ${messageOf(failure)}; nothing rises until it can, and green is judged as before`,
      severity: 'critical',
    })
  }

  /** While latched green stays down; without a latch that should be there, too. */
  async #keepLatch(): Promise<void> {
    const { world, router, operations } = this.#parts
    if (world.latch?.latched) await operations.assert()
    else if (!world.latch && world.journal && anyGreen(await router.read())) {
      await operations.trip({
        cause: 'latch missing',
        value: 'no latch that makes sense',
        threshold: 'a latch since the first deployment',
        reason: 'the latch is missing or makes no sense, which counts as latched',
        scope: 'plan',
        pace: 'immediately',
      })
    }
  }

  /** All that a progressive rollback needs stands in the latch: another process goes on with it. */
  async #descend(): Promise<void> {
    const { world, operations, alarms } = this.#parts
    const { latch, charge } = world
    if (!latch?.latched || !latch.descent) return
    await operations.descend(charge.clock, isUnstable(latch, alarms(), new Date()))
  }

  async #judge(awayMs: number | undefined): Promise<void> {
    const { world, operations, router, guarded } = this.#parts
    await judgeAbsence(world, operations, router, guarded, awayMs, !this.#judged, this.#stoodMs)
    this.#stoodMs = 0
    if (!this.#judged) this.#parts.heartbeat.beat()
    this.#judged = true
  }

  async #writeJournal(): Promise<void> {
    const { operations, bake, world, metrics } = this.#parts
    await operations.progress((journal) => bake.into(journal, world.beforeFirstStep))
    metrics.setWeights(world.weights)
    if (world.journal) metrics.setJournal(world.journal, world.latch?.latched ?? false)
  }

  async #lookAtServers(): Promise<void> {
    const { world, router, metrics, operations } = this.#parts
    for (const [service, { blue }] of Object.entries(world.charge.plan.services)) {
      for (const colour of ['blue', 'green'] as const) {
        // What is new has no blue that could be missed.
        if (colour === 'blue' && blue === 'none') continue
        const up = await router.healthy(service, colour).catch(() => undefined)
        if (up === undefined) continue
        metrics.setServerUp(service, colour, up)
        if (colour === 'blue') this.#blue(service, up, operations)
        else if (!up) this.#green(service)
      }
    }
  }

  /** The router's own line said so before, unless it was lost or came before green had traffic. */
  #green(service: string): void {
    const { world, trip } = this.#parts
    const change = { kind: 'server', service, colour: 'green', up: false, reason: '' } as const
    const cause = causeOfDeath(world.charge.plan, change, new Date())
    if (cause && world.judges(service)) trip(cause)
  }

  /** Nobody can be rolled back onto a blue that is gone, so people hear of it at once. */
  #blue(service: string, up: boolean, operations: Operations): void {
    if (up === !this.#blueDown.has(service)) return
    if (up) this.#blueDown.delete(service)
    else this.#blueDown.add(service)
    if (!this.#parts.world.armed && !this.#parts.world.latch?.latched) return
    void operations.record({
      kind: 'guard',
      message: up
        ? `blue of ${service} is healthy again`
        : `blue of ${service} is absent or ill: a rollback has nowhere to go`,
      severity: up ? 'info' : 'critical',
    })
  }
}
