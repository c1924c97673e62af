import { portsOf } from '../platforms/local/layout.ts'
import { isDisarmed } from '../platforms/operations.ts'
import { Corrupt } from '../platforms/platform.ts'
import type { Router } from '../platforms/router.ts'
import type { RolloutEvent, Store } from '../platforms/store.ts'
import type { Journal } from '../rollout/journal.ts'
import type { Latch } from '../rollout/latch.ts'
import type { Plan } from '../rollout/plan.ts'
import { greenOf, type ServiceWeights, type Weights } from '../rollout/weights.ts'

/** What the hook guards, as the file of the home says. */
export interface Charge {
  plan: Plan
  planHash: string
  clock: number
  /** Which environment of the plan this is, where it has any. */
  environment?: string
}

/**
 * What the hook knows without asking: the judges of single answers look here. Decisions that
 * change something read latch, journal and router themselves.
 */
export class World {
  charge: Charge
  /** As last read from the router, or written to it. */
  weights: ServiceWeights = {}
  latch: Latch | undefined
  journal: Journal | undefined
  /** Prometheus' address, without a path. */
  readonly prometheus: string
  /** @param prometheus default: the port of the plan's local platform, on loopback */
  constructor(charge: Charge, prometheus = `http://127.0.0.1:${portsOf(charge.plan).prometheus}`) {
    this.charge = charge
    this.prometheus = prometheus
  }

  /**
   * True when green of a service has traffic that may be judged: not released, and not taken back to
   * 0. While latched, what a rollback leaves on green is still judged.
   */
  judges(service: string): boolean {
    const { latch, journal } = this
    if (!journal || isDisarmed(journal) || greenOf(this.weights, service) === 0) return false
    // Without a latch that could be read users are on green all the same.
    return !latch?.latched || greenOf(latch.ceiling, service) > 0
  }

  /** True while the rollout is guarded and has not tripped. */
  get armed(): boolean {
    return this.latch?.latched === false && this.journal !== undefined && !isDisarmed(this.journal)
  }

  /** True while nothing has moved yet in this rollout. */
  get beforeFirstStep(): boolean {
    const { journal } = this
    return (
      journal !== undefined &&
      journal.attempt === 1 &&
      journal.verified.position === 'start' &&
      journal.intent === undefined &&
      this.latch?.latched === false
    )
  }
}

/** The router of the platform, whose weights the world remembers as they pass. */
export class WatchedRouter implements Router {
  readonly #router: Router
  readonly #world: World
  readonly #onMove: (service: string) => void
  /** @param onMove told of each service whose green changed */
  constructor(router: Router, world: World, onMove: (service: string) => void) {
    this.#router = router
    this.#world = world
    this.#onMove = onMove
  }

  async read(): Promise<ServiceWeights> {
    const weights = await this.#router.read()
    this.#remember(weights)
    return weights
  }

  async write(weights: ServiceWeights): Promise<void> {
    await this.#router.write(weights)
    this.#remember({ ...this.#world.weights, ...weights })
  }

  healthy(service: string, colour: keyof Weights): Promise<boolean> {
    return this.#router.healthy(service, colour)
  }

  get native(): boolean {
    return this.#router.native ?? false
  }

  async mayRise(service: string, before: number, after: number): Promise<void> {
    await this.#router.mayRise?.(service, before, after)
  }

  async seen(services: string[], before: ServiceWeights): Promise<void> {
    await this.#router.seen?.(services, before)
  }

  #remember(weights: ServiceWeights): void {
    const before = this.#world.weights
    this.#world.weights = weights
    for (const service of Object.keys(weights)) {
      if (greenOf(before, service) !== greenOf(weights, service)) this.#onMove(service)
    }
  }
}

/** The store of the platform, whose latch and journal the world remembers as they pass. */
export class WatchedStore implements Store {
  readonly #store: Store
  readonly #world: World
  constructor(store: Store, world: World) {
    this.#store = store
    this.#world = world
  }

  async readLatch(): Promise<Latch | undefined> {
    try {
      this.#world.latch = await this.#store.readLatch()
    } catch (error) {
      // What could not be asked for is as it was, as far as anybody knows, and is judged like that.
      if (error instanceof Corrupt) this.#world.latch = undefined
      throw error
    }
    return this.#world.latch
  }

  async writeLatch(latch: Latch, over?: Latch | 'missing'): Promise<void> {
    await this.#store.writeLatch(latch, over)
    this.#world.latch = latch
  }

  async readJournal(): Promise<Journal | undefined> {
    this.#world.journal = await this.#store.readJournal()
    return this.#world.journal
  }

  async writeJournal(journal: Journal, over?: Journal | 'missing'): Promise<void> {
    await this.#store.writeJournal(journal, over)
    this.#world.journal = journal
  }

  appendEvent(event: RolloutEvent): Promise<void> {
    return this.#store.appendEvent(event)
  }
}
