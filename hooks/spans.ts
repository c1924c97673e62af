/** What was kept of a span before a restart: a value that held for so long. */
interface Kept {
  value?: number
  ms: number
}

/** Answers a second over a span of time, on a clock that never goes back. */
export class Rate {
  #count: number
  #since: number
  constructor(nowMs: number, { value, ms }: Kept = { ms: 0 }) {
    const known = value === undefined ? 0 : ms
    this.#count = ((value ?? 0) * known) / 1_000
    this.#since = nowMs - known
  }

  add(): void {
    this.#count++
  }

  /** Undefined where nothing was answered. */
  value(nowMs: number): number | undefined {
    if (this.#count === 0) return undefined
    return significant(this.#count / (Math.max(1_000, nowMs - this.#since) / 1_000))
  }
}

/** The share of a span in which something was up, 0 to 1; it is what it was last said to be. */
export class Uptime {
  #upMs: number
  #knownMs: number
  #last: { at: number; up: boolean } | undefined
  constructor({ value, ms }: Kept = { ms: 0 }) {
    this.#knownMs = value === undefined ? 0 : ms
    this.#upMs = (value ?? 0) * this.#knownMs
  }

  set(nowMs: number, up: boolean): void {
    this.#pass(nowMs)
    this.#last = { at: nowMs, up }
  }

  /** What it was last said to be. */
  get last(): boolean | undefined {
    return this.#last?.up
  }

  /** Undefined where nobody has said anything. */
  share(nowMs: number): number | undefined {
    this.#pass(nowMs)
    if (this.#knownMs > 0) return significant(this.#upMs / this.#knownMs)
    return this.#last && (this.#last.up ? 1 : 0)
  }

  #pass(nowMs: number): void {
    if (!this.#last) return
    const passed = nowMs - this.#last.at
    this.#knownMs += passed
    if (this.#last.up) this.#upMs += passed
    this.#last.at = nowMs
  }
}

/** Enough for people and thresholds, and no more of the journal than that. */
function significant(value: number): number {
  return Number(value.toPrecision(6))
}
