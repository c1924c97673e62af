import type { Then } from './action.ts'
import type { CommandRecord } from './commands.ts'
import type { Promised } from './latch.ts'
import type { LimitName } from './limits.ts'
import type { Plan } from './plan.ts'
import type { ServiceWeights } from './weights.ts'

/** What the router's answers said of one colour of one service over a span of time. */
export interface Measurement {
  requests: number
  errors: number
  /** Answers that green got by falling back to blue: neither errors nor successes; default 0. */
  fallbacks?: number
  /** Answers a second of the whole service, both colours; undefined where nothing was measured. */
  rate?: number
  /** Share of the time in which the router found it healthy, 0 to 1. */
  availability?: number
  /** Seconds; undefined where nothing was measured. */
  p50?: number
  p95?: number
  p99?: number
}

/** The record of a gate, judged for one position of one attempt of one plan. */
export interface Verdict {
  gate: string
  position: string
  attempt: number
  planHash: string
  result: 'passed' | 'failed' | 'inconclusive' | 'running'
  /** Both numbers, in words. */
  reason: string
  at: string
}

/** An operation of the plan that was run. */
export interface OperationRecord {
  operation: string
  /** The position it was run for. */
  position: string
  attempt: number
  result: 'done' | 'failed' | 'running'
  /** The end of what it said, or why it failed. */
  reason: string
  at: string
}

/** A rollback on its way from its trigger to its end, measured against what the plan promises. */
export interface MeasuredRollback extends Promised {
  /** The number of the trip, and its how many-th promise, from 0. */
  trip: number
  part: number
  attempt: number
  /** The position that it came from. */
  position: string
  /** When green was read back at the landing, ISO 8601, UTC; undefined while it is not there. */
  downAt?: string
  /** When the last of its operations was done, at once where it has none. */
  doneAt?: string
  /** The limits that have passed before it was done, and that people were told of. */
  overdue?: LimitName[]
}

/** The end of a phase: what stood, and what was shown there. */
export interface Checkpoint {
  phase: string
  position: string
  attempt: number
  at: string
  weights: ServiceWeights
  /** The gates that passed at it. */
  gates: string[]
}

/** What was observed when something called for people to look: held until it is resolved. */
export interface Investigation {
  /** The guardrail that opened it. */
  guardrail: string
  service: string
  value: string
  threshold: string
  position: string
  openedAt: string
  closedAt?: string
}

/** A backup that was taken, and how it was verified. */
export interface BackupRecord {
  /** The name in the plan. */
  name: string
  id: string
  takenAt: string
  verifiedAt?: string
  /** Per table: number of rows and fingerprint, as exact text. */
  tables: Record<string, { rows: string; fingerprint: string }>
  /** Of a dump, its size; of a place in a continuous archive, that of the base backup before it. */
  bytes: number
  location: string
  /** Of a continuous archive: the moments that it could restore to when this was taken, ISO 8601. */
  restorable?: { from: string; to: string }
}

/**
 * The journal of a rollout, kept by the platform beside the latch. Transitions read it and the
 * live weights, never the engine's state, which says only what was tried.
 */
export interface Journal {
  plan: Plan
  planHash: string
  /** How many times faster than real its waits pass; default 1. */
  clock?: number
  /** The last position whose weights were read back. */
  verified: { position: string; at: string }
  /** The weights last verified as live. */
  weights: ServiceWeights
  /** A move in flight: admitted, not yet verified. */
  intent?: { position: string; from: ServiceWeights; to: ServiceWeights; at: string }
  attempt: number
  /** Time at the verified position with the guard awake, ms of the real clock; any move resets it. */
  guardedMs: number
  /** Answers of each service's green since the last move. */
  green: Record<string, Measurement>
  /** What blue measured before the first step, by service. */
  baselines: Record<string, Measurement>
  verdicts: Verdict[]
  backups: BackupRecord[]
  operations?: OperationRecord[]
  checkpoints?: Checkpoint[]
  investigations?: Investigation[]
  /** The last rollbacks; those that are not done are followed until they are. */
  rollbacks?: MeasuredRollback[]
  /** Flags that a guardrail has set, by name; they stay. */
  flags?: Record<string, boolean>
  /** Commands that were handed to something else to run, oldest first. */
  commands?: CommandRecord[]
}

/** An alarm that is active now. */
export interface Alarm {
  guardrail: string
  service: string
  value: string
  threshold: string
  since: string
  then: Then
}
