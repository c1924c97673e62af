import type { RolloutEvent } from '../platforms/store.ts'
import { describeTrip } from '../rollout/admission.ts'
import type { Latch } from '../rollout/latch.ts'

/**
 * Finds the trips that another process wrote while this one was away: they stand in the history,
 * but nobody was told.
 */
export class OtherTrips {
  #told = 0
  #seen = 0
  readonly #sinceMs: number
  /** @param sinceMs of the wall clock; what tripped before was told by a former hook */
  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs
  }

  /** This process told of a trip itself. */
  told(number: number): void {
    this.#told = Math.max(this.#told, number)
  }

  /** @returns what people are to be told of this latch; undefined where they know */
  news(latch: Latch | undefined): RolloutEvent | undefined {
    const trip = latch?.latched ? latch.trip : undefined
    if (!latch || !trip || trip.number <= this.#told) return undefined
    if (Date.parse(trip.at) < this.#sinceMs) {
      this.#told = trip.number
      return undefined
    }
    // A trip of this very process is told in a moment: only the second look counts.
    if (this.#seen !== trip.number) {
      this.#seen = trip.number
      return undefined
    }
    this.#told = trip.number
    return {
      at: trip.at,
      kind: 'tripped',
      message: `rolled back past the hook: ${describeTrip(latch)}`,
      severity: 'critical',
      details: { trip: trip.number },
    }
  }
}
