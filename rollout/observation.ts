import type { Alarm, Journal } from './journal.ts'
import type { Latch } from './latch.ts'
import type { ServiceWeights } from './weights.ts'

/** A part of the platform that could not be read. It is never a pass. */
export interface Unavailable {
  unavailable: string
}

/** The hook that guards green on the platform. */
export interface Guard {
  alive: boolean
  /** The hash of the plan it guards. */
  planHash?: string
  /** Which environment of the plan it guards, where it says so. */
  environment?: string
  /** Why it is not alive, or what is wrong with it. */
  reason?: string
}

/** Everything a decision looks at, read from the platform at one moment. */
export interface Observation {
  /** ISO 8601, UTC. */
  at: string
  /** False where nothing of this rollout stands on the platform. */
  deployed: boolean
  /** What the router really does. */
  live: ServiceWeights | Unavailable
  journal: Journal | 'missing' | Unavailable
  latch: Latch | 'missing' | Unavailable
  guard: Guard
  alarms: Alarm[] | Unavailable
  /** The journal of the environment before this one, where the plan has environments. */
  previous?: Journal | 'missing' | Unavailable
}

/**
 * What there is to see where nothing of a rollout stands.
 * @param why as people are told it
 */
export function nothingDeployed(why: string, now: Date): Observation {
  return {
    at: now.toISOString(),
    deployed: false,
    live: { unavailable: why },
    journal: 'missing',
    latch: 'missing',
    guard: { alive: false, reason: why },
    alarms: { unavailable: why },
  }
}

export function isUnavailable(value: unknown): value is Unavailable {
  return typeof value === 'object' && value !== null && 'unavailable' in value
}

/** The journal, where there is one that can be read. */
export function journalOf({ journal }: Pick<Observation, 'journal'>): Journal | undefined {
  return journal === 'missing' || isUnavailable(journal) ? undefined : journal
}

/** The latch, where there is one that can be read. */
export function latchOf({ latch }: Pick<Observation, 'latch'>): Latch | undefined {
  return latch === 'missing' || isUnavailable(latch) ? undefined : latch
}
