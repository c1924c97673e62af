import type { Measurement } from '../rollout/journal.ts'

const LEAST = 0.0001
const GROWTH = 1.05
const BUCKETS = 300

/**
 * Counts of answers and their seconds in buckets that each are 5 % wider than the one before, from
 * 0.1 ms to four minutes: a quantile is exact to 5 %, whatever number of answers it stands for.
 */
export class Histogram {
  requests = 0
  errors = 0
  fallbacks = 0
  #timed = 0
  readonly #counts = new Uint32Array(BUCKETS)

  /** A histogram with the counts and quantiles of a measurement, each answer at its upper end. */
  static from({ requests, errors, fallbacks = 0, p50, p95, p99 }: Measurement): Histogram {
    const histogram = new Histogram()
    histogram.requests = requests
    histogram.errors = errors
    histogram.fallbacks = fallbacks
    const own = requests - fallbacks
    if (p50 === undefined || p95 === undefined || p99 === undefined) return histogram
    const half = Math.ceil(own * 0.5)
    const most = Math.ceil(own * 0.95)
    histogram.#put(p50, half)
    histogram.#put(p95, most - half)
    histogram.#put(p99, own - most)
    return histogram
  }

  /** @param fallback blue gave the answer: how long it took says nothing of green */
  add(bad: boolean, seconds?: number, fallback = false): void {
    this.requests++
    if (bad) this.errors++
    if (fallback) this.fallbacks++
    else if (seconds !== undefined) this.#put(seconds, 1)
  }

  merge(other: Histogram): void {
    this.requests += other.requests
    this.errors += other.errors
    this.fallbacks += other.fallbacks
    this.#timed += other.#timed
    for (let index = 0; index < BUCKETS; index++) {
      this.#counts[index]! += other.#counts[index]!
    }
  }

  measurement(): Measurement {
    const { requests, errors, fallbacks } = this
    const counts = { requests, errors, ...(fallbacks > 0 ? { fallbacks } : {}) }
    if (this.#timed === 0) return counts
    return {
      ...counts,
      p50: this.#quantile(0.5),
      p95: this.#quantile(0.95),
      p99: this.#quantile(0.99),
    }
  }

  #put(seconds: number, times: number): void {
    const index = Math.round(Math.log(Math.max(seconds, LEAST) / LEAST) / Math.log(GROWTH))
    this.#counts[Math.min(BUCKETS - 1, index)]! += times
    this.#timed += times
  }

  #quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(this.#timed * share))
    let seen = 0
    for (let index = 0; index < BUCKETS; index++) {
      seen += this.#counts[index]!
      if (seen >= rank) return Number((LEAST * GROWTH ** index).toPrecision(4))
    }
    return LEAST * GROWTH ** BUCKETS
  }
}

/** The answers of the last minutes, a slot a second, so that any window can be asked for. */
export class RollingHistogram {
  readonly #slots: { second: number; histogram: Histogram }[] = []
  readonly #seconds: number
  constructor(seconds = 600) {
    this.#seconds = seconds
  }

  /** @param nowMs of a clock that never goes back */
  add(nowMs: number, bad: boolean, seconds?: number, fallback = false): void {
    const second = Math.floor(nowMs / 1_000)
    let slot = this.#slots.at(-1)
    if (slot?.second !== second) {
      slot = { second, histogram: new Histogram() }
      this.#slots.push(slot)
      while ((this.#slots[0]?.second ?? second) <= second - this.#seconds) this.#slots.shift()
    }
    slot.histogram.add(bad, seconds, fallback)
  }

  /** The answers of the last `windowMs`, in whole seconds, at least one; the running one is in it. */
  measure(nowMs: number, windowMs: number): Measurement {
    const from = Math.floor(nowMs / 1_000) - Math.max(1, Math.ceil(windowMs / 1_000))
    const sum = new Histogram()
    for (const { second, histogram } of this.#slots) if (second > from) sum.merge(histogram)
    return sum.measurement()
  }
}
