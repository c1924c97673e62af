import type { Journal } from '../rollout/journal.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import { type ServiceWeights, sameWeights } from '../rollout/weights.ts'
import type { Metrics } from './metrics.ts'

/** A longer pause between two looks was no guard: the process was stopped, or had no time. */
export const GAP_MS = 2_000

/** Adds up the time under guard and the answers of green for the journal. */
export class Bake {
  readonly #metrics: Metrics
  /** The verified position that the answers belong to; null right after a move. */
  #position: string | null | undefined
  #ms = 0
  constructor(metrics: Metrics) {
    this.#metrics = metrics
  }

  /** A move has just been read back: everything begins anew. */
  restart(): void {
    this.#position = null
    this.#ms = 0
    this.#metrics.beginBake()
  }

  /** Counts the time between two looks at which green was guarded at its verified weights. */
  add(ms: number, journal: Journal | undefined, live: ServiceWeights): void {
    if (journal && !journal.intent && sameWeights(journal.weights, live)) this.#ms += ms
  }

  /**
   * The journal with what has come since the last time.
   * @param before true while nothing has moved: then what blue measured is kept as the baseline
   */
  into(journal: Journal, before: boolean): Journal {
    const position = `${journal.verified.position} ${journal.verified.at}`
    if (this.#position === undefined) {
      const keptMs = Math.max(0, journal.guardedMs - settleMsOf(journal))
      this.#metrics.beginBake(journal.green, keptMs)
    } else if (this.#position !== null && this.#position !== position) this.restart()
    this.#position = position
    const guardedMs = Math.round(journal.guardedMs + this.#ms)
    this.#ms = 0
    // What comes while it settles is nobody's evidence.
    if (guardedMs < settleMsOf(journal)) this.#metrics.beginBake()
    const baselines = before ? this.#baselines(journal) : journal.baselines
    return { ...journal, guardedMs, green: this.#metrics.bake(), baselines }
  }

  /** The more answers, the truer: until the first step a baseline grows, from then on it stays. */
  #baselines({ baselines, plan }: Journal): Journal['baselines'] {
    const measured = Object.entries(this.#metrics.beforeFirstStep()).filter(
      ([service, { requests }]) =>
        requests >= plan.minimumRequests && requests >= (baselines[service]?.requests ?? 0),
    )
    return { ...baselines, ...Object.fromEntries(measured) }
  }
}

/** How long the verified position settles, ms of the real clock. */
function settleMsOf({ plan, verified, clock = 1 }: Journal): number {
  const position = findPosition(positionsOf(plan), verified.position)
  return (position?.settleMs ?? 0) / clock
}
