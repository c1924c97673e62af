import type { Router } from '../../platforms/router.ts'
import type { RolloutEvent, Store } from '../../platforms/store.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { fallingOrder } from '../../rollout/services.ts'
import { greenOf, rising, type ServiceWeights } from '../../rollout/weights.ts'

/** A store and a router in memory that find out at once when a rule is broken. */

/** Hands control over before and after each call; the test decides who goes on. */
export type Pause = () => Promise<void>

const atOnce: Pause = async () => {}

/** What must never be, and was. */
export class Broken extends Error {
  override name = 'Broken'
}

export class WatchedStore implements Store {
  latch: Latch | undefined
  journal: Journal | undefined
  readonly events: RolloutEvent[] = []
  readonly #pause: Pause
  constructor(pause: Pause = atOnce) {
    this.#pause = pause
  }

  async readLatch() {
    await this.#pause()
    return this.latch
  }
  async writeLatch(latch: Latch) {
    await this.#pause()
    const before = this.latch
    this.latch = latch
    if (before?.latched && latch.latched) {
      const up = rising({ ...before.ceiling }, latch.ceiling)
      if (up.length > 0) throw new Broken(`the ceiling of ${up.join(', ')} rises while latched`)
      if (latch.trips !== before.trips) throw new Broken('a trip is counted twice')
    }
    if (before?.latched && !latch.latched && latch.attempt !== before.trips + 1) {
      throw new Broken(`attempt ${latch.attempt} takes trip ${before.trips} off`)
    }
    if (latch.latched) {
      const { trip } = latch
      if (!trip || [trip.cause, trip.value, trip.threshold, trip.reason].includes('')) {
        throw new Broken('a trip without its reason and numbers')
      }
    }
    await this.#pause()
  }
  async readJournal() {
    await this.#pause()
    return this.journal
  }
  async writeJournal(journal: Journal) {
    await this.#pause()
    this.journal = journal
    await this.#pause()
  }
  async appendEvent(event: RolloutEvent) {
    this.events.push(event)
  }
}

export class WatchedRouter implements Router {
  weights: ServiceWeights
  /** The services whose green fell or rose, in the order in which it did; a test empties it. */
  moved: { service: string; up: boolean }[] = []
  /** While true, a rise must be one that the journal has an intent for. */
  readonly ill = new Set<string>()
  readonly #store: WatchedStore
  readonly #pause: Pause
  constructor(weights: ServiceWeights, store: WatchedStore, pause: Pause = atOnce) {
    this.weights = weights
    this.#store = store
    this.#pause = pause
  }

  async read() {
    await this.#pause()
    return this.weights
  }
  async write(weights: ServiceWeights) {
    await this.#pause()
    const before = this.weights
    const { latch, journal } = this.#store
    for (const [service, { blue, green }] of Object.entries(weights)) {
      if (blue + green !== 100) throw new Broken(`${service}: ${blue} and ${green} are not 100`)
      const now = greenOf(before, service)
      if (green === now) continue
      this.moved.push({ service, up: green > now })
      if (green < now) continue
      if (latch?.latched) throw new Broken(`green of ${service} rises ${now} → ${green} latched`)
      if (greenOf(journal?.intent?.to ?? {}, service) !== green) {
        throw new Broken(`green of ${service} rises ${now} → ${green}, and nobody admitted it`)
      }
    }
    this.weights = { ...before, ...weights }
    await this.#pause()
  }
  async healthy(service: string, colour: string) {
    await this.#pause()
    return !this.ill.has(`${service} ${colour}`)
  }
}

/** What moved against the order of the plan: dependents fall first, and rise last. */
export function againstOrder(
  plan: Plan,
  moved: readonly { service: string; up: boolean }[],
): string | undefined {
  const order = fallingOrder(plan)
  const at = (service: string) => order.indexOf(service)
  for (const up of [false, true]) {
    const names = moved.filter((one) => one.up === up).map(({ service }) => service)
    for (const [index, service] of names.entries()) {
      const before = names[index - 1]
      if (before === undefined || before === service) continue
      const isRight = up ? at(before) > at(service) : at(before) < at(service)
      if (!isRight) return `${before} ${up ? 'rises' : 'falls'} before ${service}`
    }
  }
  return undefined
}
