import { answersBetween, type Counted, type Told } from './traefik-metrics.ts'

/** Two processes that both answer after this are no update of the gateway, in which one goes as the other comes. */
const TOGETHER_SECONDS = 60

/** One look at the counters of a process of the gateway. */
export interface Look {
  /** When that process began, in seconds of its own clock; undefined where it does not say. */
  started?: number
  /** When it answered, in seconds of the same clock. */
  at: number
  counted: Counted[]
}

/**
 * What the counters behind one address grew by, from look to look. Another process may answer each
 * time, a new one or one of several: each is held against what it said itself.
 */
export class GatewayCounters {
  readonly #processes = new Map<number, Counted[]>()
  #youngest = Number.NEGATIVE_INFINITY
  #lookedAt: number | undefined
  #several = false

  /** True once two processes have answered by turns: what one of them counts is seen late. */
  get several(): boolean {
    return this.#several
  }

  /** What was answered since the last look; what was counted before the first is nobody's. */
  grownBy({ started = 0, at, counted }: Look): Told[] {
    const isNew = this.#lookedAt !== undefined && started >= this.#lookedAt
    // One that ran already when another was looked at is no restart: its counts may be days old.
    const before = this.#processes.get(started) ?? (isNew ? [] : counted)
    if (started < this.#youngest && at - this.#youngest > TOGETHER_SECONDS) this.#several = true
    this.#youngest = Math.max(this.#youngest, started)
    this.#processes.set(started, counted)
    this.#lookedAt = at
    return answersBetween(before, counted)
  }
}
