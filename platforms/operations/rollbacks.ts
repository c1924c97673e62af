import { acknowledgement, describeTrip } from '../../rollout/admission.ts'
import { deepen, nextDescent } from '../../rollout/descent.ts'
import { formatSpan } from '../../rollout/duration.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { promising, type SoFar } from '../../rollout/rollback-limits.ts'
import { describeDone } from '../../rollout/rollback-words.ts'
import {
  allBlue,
  anyGreen,
  describeChange,
  greenOf,
  lower,
  rising,
  type ServiceWeights,
  split,
} from '../../rollout/weights.ts'
import { Conflict } from '../store.ts'
import { aimOf, inFallingOrder, promiseOf, tripped } from './aim.ts'
import { isDisarmed } from './entries.ts'
import type { Ground, Parts, TripCause, Tripped } from './ground.ts'
import { Measures } from './measures.ts'
import { failureOf, messageOf, orNothing, settled } from './outcomes.ts'
import type { Records } from './records.ts'

/** A trip that is younger may still be at work in another process. */
const AT_WORK_MS = 10_000

/** Everything that takes green down. It waits for no move. */
export class Rollbacks {
  readonly #ground: Ground
  readonly #parts: Parts
  readonly #records: Records
  readonly #measures: Measures
  #tripping: Promise<Tripped> | undefined
  constructor(ground: Ground, records: Records) {
    this.#ground = ground
    this.#parts = ground.parts
    this.#records = records
    this.#measures = new Measures(ground, records)
  }

  /**
   * Latches durably, puts green to 0, reads back, and only then says so. A rollout that is
   * released has no guard: there it only tells. Latched already, it asserts again. It acts with
   * whatever of the store can be read.
   * @returns the live weights, and whether this call was the one that latched
   * @throws what kept it from latching or from reading back, after everything else was tried
   */
  async trip(cause: TripCause): Promise<Tripped> {
    const before = this.#tripping
    if (before) return this.#besides(before, cause)
    this.#tripping = this.#trip(cause).finally(() => {
      this.#tripping = undefined
    })
    return this.#tripping
  }

  async #trip(cause: TripCause): Promise<Tripped> {
    const { store, router, now } = this.#parts
    const started = performance.now()
    const trippedAt = now()
    const journal = await orNothing(store.readJournal())
    if (journal && isDisarmed(journal)) {
      await this.#records.tell('alarm', `released, so only told: ${cause.reason}`, 'warning')
      return { weights: await router.read(), latched: false }
    }
    const before = await orNothing(store.readLatch())
    if (!journal && !before) {
      // Nothing is deployed, or nothing can be read: green gets nothing, and a latch is not invented.
      const weights = await router.read()
      if (!anyGreen(weights)) return { weights, latched: false }
      await this.#ground.writes.run(() => router.write(allBlue(Object.keys(weights))))
      return { weights: await router.read(), latched: false }
    }
    const live = await orNothing(router.read())
    let held: Latch | undefined
    const latch = await this.#ground.latch(async () => {
      held = await orNothing(store.readLatch())
      if (held?.latched) return this.#deepen(held, journal, cause)
      const next = tripped(held, journal, live, cause, trippedAt.toISOString())
      // What cannot be read is replaced, whatever it is.
      const failure = await failureOf(store.writeLatch(next, held))
      if (failure instanceof Conflict) throw failure
      if (failure) await this.#withoutLatch(next, failure)
      return next
    })
    if (held?.latched) {
      if (latch !== held) return this.#goDeeper(latch, cause)
      // Another process may still be between its latch and its weights: that is no other hand.
      const old = trippedAt.getTime() - Date.parse(latch.trip?.at ?? '') > AT_WORK_MS
      return { weights: await this.#assert(old), latched: false }
    }
    const lowered = await settled(this.#lower(latch))
    const done = now()
    const weights = 'value' in lowered ? lowered.value.weights : undefined
    const down = weights !== undefined && rising(latch.ceiling, weights).length === 0
    const firstBadAt = cause.firstBadAt ?? trippedAt.toISOString()
    const actedMs = Math.round((performance.now() - started) * 100) / 100
    const news = this.#measures.news(journal, latch, down, done)
    const headline = down
      ? `ROLLED BACK in ${describeDone(actedMs, news, journal)}`
      : 'value' in lowered
        ? 'LATCHED, BUT GREEN KEEPS TRAFFIC because blue is absent or ill'
        : `LATCHED, BUT ${await this.#notDown(latch)} (${messageOf(lowered.error)})`
    await this.#records.tell(
      'tripped',
      `${headline}: ${describeTrip(latch)}. To go on: ${acknowledgement(latch)}`,
      'critical',
      {
        trip: latch.trips,
        record: latch.trip,
        weights,
        firstBadAt,
        trippedAt: trippedAt.toISOString(),
        tookMs: Math.max(0, done.getTime() - Date.parse(firstBadAt)),
        actedMs,
        limits: news.flatMap(({ held }) => held),
      },
    )
    await this.#measures.land(latch, down, done)
    if ('error' in lowered) throw lowered.error
    return { weights: lowered.value.weights, latched: true }
  }

  /** What is known where something could not be written or read back. */
  async #notDown(latch: Latch): Promise<string> {
    const live = await orNothing(this.#parts.router.read())
    if (live === undefined) return 'THE ROUTER COULD NOT BE READ BACK'
    const up = rising(latch.ceiling, live)
    if (up.length > 0) return `GREEN OF ${up.join(', ')} KEEPS TRAFFIC`
    return 'THE ROUTER SAYS THAT GREEN IS DOWN, AND USERS WERE NOT SEEN TO BE OFF IT'
  }

  /** While a trip is at work another one comes: it may ask for more. */
  async #besides(first: Promise<Tripped>, cause: TripCause): Promise<Tripped> {
    const done = await settled(first)
    const { store } = this.#parts
    const journal = await orNothing(store.readJournal())
    const deeper = await this.#ground.latch(async () => {
      const held = await orNothing(store.readLatch())
      if (!held?.latched) return undefined
      const next = await this.#deepen(held, journal, cause)
      return next === held ? undefined : next
    })
    if (deeper) return this.#goDeeper(deeper, cause)
    if ('error' in done) throw done.error
    return { ...done.value, latched: false }
  }

  /** Latched already: what tripped besides may only take green further down. */
  async #deepen(held: Latch, journal: Journal | undefined, cause: TripCause): Promise<Latch> {
    const aim = journal && aimOf(journal, cause)
    if (!aim) return held
    const deeper = deepen(held, {
      landing: aim.landing.name,
      weights: aim.landing.weights,
      services: aim.services,
      pace: cause.pace ?? 'immediately',
      at: this.#ground.at(),
    })
    if (deeper === held) return held
    const next = deeper.descent
      ? deeper
      : promising(deeper, promiseOf(journal, cause, aim.landing.name, this.#ground.at()))
    await this.#parts.store.writeLatch(next, held)
    return next
  }

  /** Looks at every rollback that is not done; see {@link Measures.look}. */
  async measure(): Promise<void> {
    // A trip of this very process tells the first of it itself.
    if (this.#tripping === undefined) await this.#measures.look()
  }

  /** See {@link Measures.soFar}. */
  soFar(cause: TripCause, weights: ServiceWeights, tookMs: number): Promise<SoFar> {
    return this.#measures.soFar(cause, weights, tookMs)
  }

  /** Brings green under a latch that was just written lower, and only then says so. */
  async #goDeeper(latch: Latch, cause: TripCause): Promise<Tripped> {
    const started = performance.now()
    const lowered = await settled(this.#lower(latch))
    const actedMs = Math.round((performance.now() - started) * 100) / 100
    const done = this.#parts.now()
    const down = 'value' in lowered && rising(latch.ceiling, lowered.value.weights).length === 0
    const journal = await orNothing(this.#parts.store.readJournal())
    const news = this.#measures.news(journal, latch, down, done)
    await this.#records.tell(
      'tripped',
      `the rollback goes further down: ${cause.reason}; ${describeTrip(latch)}; done in ${describeDone(actedMs, news, journal)}`,
      'critical',
      {
        trip: latch.trips,
        record: latch.trip,
        actedMs,
        limits: news.flatMap(({ held }) => held),
      },
    )
    await this.#measures.land(latch, down, done)
    if ('error' in lowered) throw lowered.error
    return { weights: lowered.value.weights, latched: false }
  }

  /**
   * Goes one step further down a progressive rollback, where it is time.
   * @param unstable true where what is live is still ill: then it is time at once
   * @returns the latch after it; undefined where nothing was done
   */
  async descend(clock: number, unstable: boolean): Promise<Latch | undefined> {
    const { store, now } = this.#parts
    const moved = await this.#ground.latch(async () => {
      const latch = await store.readLatch()
      const next = latch && nextDescent(latch, now(), clock, unstable)
      if (next) await store.writeLatch(next, latch)
      return next
    })
    if (!moved) return undefined
    const { weights } = await this.#lower(moved)
    const tookMs = moved.trip ? now().getTime() - Date.parse(moved.trip.at) : undefined
    const took = tookMs === undefined ? '' : `, ${formatSpan(tookMs)} after its trigger`
    await this.#records.tell(
      'descended',
      `${describeTrip(moved)}: down to ${describeChange(weights, weights)}${moved.descent ? `, then ${moved.descent.left.join(', ')}` : `, which is the landing${took}`}${unstable ? '; at once, as it was not stable' : ''}`,
      'warning',
      { trip: moved.trips, weights, ...(moved.descent ? {} : { tookMs }) },
    )
    return moved
  }

  /** The latch could not be written: green loses its traffic all the same, and people are told. */
  async #withoutLatch(latch: Latch, failure: unknown): Promise<never> {
    await settled(this.#lower(latch))
    await this.#records.tell(
      'tripped',
      `GREEN IS AT 0, BUT THE LATCH COULD NOT BE WRITTEN (${messageOf(failure)}): ${describeTrip(latch)}`,
      'critical',
    )
    throw failure
  }

  /** While latched, puts every green that stands above the ceiling back to it. */
  assert(): Promise<ServiceWeights> {
    // Between its latch and its weights a trip is at work; nobody has overwritten it.
    return this.#assert(this.#tripping === undefined)
  }

  async #assert(tells: boolean): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const latch = await store.readLatch()
    if (!latch?.latched) return router.read()
    const { weights, lowered } = await this.#lower(latch)
    if (lowered.length > 0 && tells) {
      await this.#records.tell(
        'asserted',
        `green of ${lowered.join(', ')} was above what the latch allows and is put back: ${describeTrip(latch)}`,
        'warning',
      )
    }
    return weights
  }

  /** Puts green to the ceiling where blue is able to take over, and reads back. */
  async #lower(latch: Latch): Promise<{ weights: ServiceWeights; lowered: string[] }> {
    const { router } = this.#parts
    // What cannot be read may be above the ceiling.
    const live = await orNothing(router.read())
    const above = live
      ? rising({ ...allBlue(Object.keys(live)), ...latch.ceiling }, live)
      : Object.keys(latch.ceiling)
    const journal = await orNothing(this.#parts.store.readJournal())
    const movable: string[] = []
    // Dependents leave green before what they depend on.
    for (const service of inFallingOrder(journal?.plan, above)) {
      if (await this.#mayTakeOver(service, journal?.plan)) movable.push(service)
    }
    if (live && movable.length === 0) return { weights: live, lowered: [] }
    const weights = Object.fromEntries(
      movable.map((service) => [service, split(greenOf(latch.ceiling, service))]),
    )
    await this.#ground.writes.run(async () => {
      // Another rollback may have gone further down since: what is written never rises.
      const now = await orNothing(router.read())
      await this.#fall(now ? lower(weights, { ...weights, ...now }) : weights)
    })
    return { weights: await router.read(), lowered: movable }
  }

  /** All at once; where that fails what is up yet by itself, so that none stays up for another's sake. */
  async #fall(weights: ServiceWeights): Promise<void> {
    const { router } = this.#parts
    const failure = await failureOf(router.write(weights))
    const services = Object.keys(weights)
    if (failure === undefined) return
    const live = await orNothing(router.read())
    const up = live === undefined ? services : rising(weights, live)
    if (services.length === 1) throw failure
    let last: unknown
    for (const service of services.filter((one) => up.includes(one))) {
      const each = { [service]: split(greenOf(weights, service)) }
      last = (await failureOf(router.write(each))) ?? last
    }
    // Of what was written before the first failure nobody has said that users are off it.
    if (last !== undefined || up.length < services.length) throw last ?? failure
  }

  /** Never onto nothing; but where blue is `none`, 0 means off, which is always a legal landing. */
  async #mayTakeOver(service: string, plan: Plan | undefined): Promise<boolean> {
    if (plan?.services[service]?.blue === 'none') return true
    return (await orNothing(this.#parts.router.healthy(service, 'blue'))) !== false
  }
}
