import type { Scope } from './positions.ts'
import type { ServiceWeights } from './weights.ts'

/** What a rollback that goes down at once is held against: see rollback-limits.ts. */
export interface Promised {
  /** The trigger, ISO 8601, UTC. */
  since: string
  /** What goes back. */
  scopes: Scope[]
  /** The position that it lands on. */
  landing: string
}

/** One rollback: from not latched to latched, whatever number of alarms came with it. */
export interface Trip {
  /** 1 for the first of this rollout. */
  number: number
  attempt: number
  /** The position that the rollout stood at. */
  position: string
  /** The position it landed on. */
  landing: string
  /** The guardrail or gate that tripped, or `rollback` for a person's command. */
  cause: string
  /**
   * The measured value and what it was held against, both as text with units; `-` where a person
   * asked for it.
   */
  value: string
  threshold: string
  /** ISO 8601, UTC. */
  at: string
  /** One sentence for people. */
  reason: string
  /** The services that go back for it; undefined: all of them. */
  services?: string[]
  /** Of what went back at once, and then further; one that goes down step by step has none. */
  promised?: Promised[]
}

/** What is still before a rollback that goes down step by step. */
export interface Descent {
  /** Green's weights that it has not come to yet, falling. */
  left: number[]
  /** Observed between two steps, ms of the plan's clock. */
  everyMs: number
  /** When the ceiling fell last, ISO 8601, UTC. */
  since: string
  /** Where it ends. */
  landing: ServiceWeights
}

/**
 * The latch of a rollout, kept by the platform. While `latched`, green stays at or below
 * `ceiling`, and only `sluice:attempt` equal to `trips + 1` takes it off.
 */
export interface Latch {
  trips: number
  /** The attempt that was acknowledged last. */
  attempt: number
  latched: boolean
  /** While latched: the most that each service's green may have; it only falls. */
  ceiling: ServiceWeights
  /** While a progressive rollback is on its way down. */
  descent?: Descent
  trip?: Trip
}

/** The latch that the first deployment writes, with green verified at 0. */
export function clearLatch(): Latch {
  return { trips: 0, attempt: 1, latched: false, ceiling: {} }
}

/** Latches. A latch that is latched already keeps its trip; `deepen` in descent.ts lowers it. */
export function latchAt(
  latch: Latch,
  trip: Omit<Trip, 'number' | 'attempt'>,
  ceiling: ServiceWeights,
  descent?: Descent,
): Latch {
  if (latch.latched) return latch
  const number = latch.trips + 1
  return {
    trips: number,
    attempt: latch.attempt,
    latched: true,
    ceiling,
    ...(descent ? { descent } : {}),
    trip: { ...trip, number, attempt: latch.attempt },
  }
}

/**
 * True when this attempt is the one that takes the latch off: trips + 1, no less and no more. One
 * that the last update asked for already was raised before the trip, and acknowledges nothing unseen.
 *
 * @param lastAttempt the attempt of the last update in the engine's state; undefined before the first
 */
export function acknowledges(latch: Latch, attempt: number, lastAttempt?: number): boolean {
  return latch.latched && attempt === latch.trips + 1 && attempt !== lastAttempt
}

/** Takes the latch off for the next attempt. The number of trips stays. */
export function acknowledge(latch: Latch, attempt: number): Latch {
  if (!acknowledges(latch, attempt)) return latch
  return { trips: latch.trips, attempt, latched: false, ceiling: {} }
}

/**
 * What counts as the latch where it should stand and does not: latched at green 0.
 * @param attempt the last attempt that is known
 */
export function missingLatch(attempt: number, services: ServiceWeights, at: string): Latch {
  return {
    trips: attempt,
    attempt,
    latched: true,
    ceiling: services,
    trip: {
      number: attempt,
      attempt,
      position: 'unknown',
      landing: 'start',
      cause: 'latch missing',
      value: 'no latch',
      threshold: 'a latch since the first deployment',
      at,
      reason: 'the latch is missing, which counts as latched',
    },
  }
}
