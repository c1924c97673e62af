import type { Router } from '../../platforms/router.ts'
import type { RolloutEvent, Store } from '../../platforms/store.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { type ServiceWeights, split } from '../../rollout/weights.ts'

/** Hands control over between two calls; the test decides who goes on. */
export type Pause = () => Promise<void>

/** A store in memory that keeps copies, as a file does. */
export class MemoryStore implements Store {
  latch: Latch | undefined
  journal: Journal | undefined
  readonly events: RolloutEvent[] = []
  /** Errors that the next calls of a method throw. */
  readonly failing = new Map<string, Error>()
  readonly #pause: Pause
  constructor(pause: Pause = async () => {}) {
    this.#pause = pause
  }

  async readLatch() {
    await this.#call('readLatch')
    return structuredClone(this.latch)
  }
  async writeLatch(latch: Latch) {
    await this.#call('writeLatch')
    this.latch = structuredClone(latch)
  }
  async readJournal() {
    await this.#call('readJournal')
    return structuredClone(this.journal)
  }
  async writeJournal(journal: Journal) {
    await this.#call('writeJournal')
    this.journal = structuredClone(journal)
  }
  async appendEvent(event: RolloutEvent) {
    this.events.push(event)
  }

  async #call(method: string) {
    await this.#pause()
    const error = this.failing.get(method)
    if (error) throw error
  }
}

/** A router in memory that remembers every write, with how the latch stood at that moment. */
export class MemoryRouter implements Router {
  weights: ServiceWeights
  readonly written: { weights: ServiceWeights; latched: boolean }[] = []
  readonly ill = new Set<string>()
  failure: Error | undefined
  /** A service that nobody may write. */
  denied: string | undefined
  /** True as on a platform whose engine writes the weights. */
  native = false
  readonly #pause: Pause
  readonly #latched: () => boolean
  constructor(weights: ServiceWeights, latched: () => boolean, pause: Pause = async () => {}) {
    this.weights = weights
    this.#latched = latched
    this.#pause = pause
  }

  async read() {
    await this.#pause()
    if (this.failure) throw this.failure
    return structuredClone(this.weights)
  }
  async write(weights: ServiceWeights) {
    await this.#pause()
    if (this.failure) throw this.failure
    for (const service of Object.keys(weights)) {
      if (service === this.denied) throw new Error(`${service} is denied`)
      this.weights = { ...this.weights, [service]: split(weights[service]?.green ?? 0) }
    }
    this.weights = { ...this.weights, ...structuredClone(weights) }
    this.written.push({ weights: structuredClone(weights), latched: this.#latched() })
    await this.#pause()
  }
  async healthy(service: string, colour: string) {
    await this.#pause()
    return !this.ill.has(`${service} ${colour}`)
  }
}
