import type { RolloutEvent } from '../../platforms/store.ts'
import type { Trip } from '../../rollout/latch.ts'

/** A rollback as the history tells it. */
export interface ToldTrip {
  number: number
  at: string
  /** What the latch kept of it; undefined where the hook only found it afterwards. */
  record?: Trip
  /** ms from the first bad answer to green read back at 0. */
  tookMs?: number
  message: string
}

/** The rollbacks of a history, each once, oldest first. */
export function tripsOf(events: readonly RolloutEvent[]): ToldTrip[] {
  const trips = new Map<number, ToldTrip>()
  for (const { at, kind, message, details } of events) {
    const number = kind === 'tripped' ? details?.['trip'] : undefined
    // The hook tells once more of one that was made past it.
    if (typeof number !== 'number' || trips.has(number)) continue
    const record = details?.['record'] as Trip | undefined
    const tookMs = details?.['tookMs']
    trips.set(number, {
      number,
      at: record?.at ?? at,
      record,
      tookMs: typeof tookMs === 'number' ? tookMs : undefined,
      message,
    })
  }
  return [...trips.values()]
}
