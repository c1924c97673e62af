import type { Admission } from '../rollout/admission.ts'
import type { BackupRecord, Measurement } from '../rollout/journal.ts'
import type { Held } from '../rollout/limits.ts'
import type { Observation } from '../rollout/observation.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'
import type { Refusal } from '../rollout/refusal.ts'
import type { Request } from '../rollout/request.ts'
import type { ServiceWeights, Weights } from '../rollout/weights.ts'
import type { RolloutEvent } from './store.ts'

/**
 * A live platform as the engine's provider and the command line see it. One conformance suite,
 * `test/contracts`, passes on every implementation.
 *
 * Every method may throw {@link Unavailable} (could not be reached: nothing is known) or
 * {@link Refused} (reached, and it says no: nothing was changed).
 */
export interface Platform {
  /** Reads everything a decision looks at. Never throws for a part that is away: it says so in it. */
  observe(): Promise<Observation>

  /** Reads the weights from the router itself. */
  readWeights(): Promise<ServiceWeights>

  /**
   * Decides once more at apply and, where the move is admitted, records its intent durably; takes
   * the latch off where the request acknowledges it. The first admission writes a clear latch,
   * only with green verified at 0.
   * @throws Refused with everything that holds the move
   */
  admit(request: Request, lastAttempt?: number): Promise<Admission>

  /**
   * Sets one service's weights and reads them back. A rise needs a recorded intent that covers it
   * and no latch; a fall always goes through unless blue is ill and would get its traffic.
   */
  setWeights(service: string, weights: Weights): Promise<Weights>

  /**
   * Reads the live weights back and, where they are those of the position, records it as verified
   * and starts its bake. A position that is verified already and unchanged keeps its bake.
   * @throws Refused when live differs
   */
  verify(request: Request): Promise<ServiceWeights>

  /** Puts green to 0 at once and latches. Idempotent: latched already, it asserts again. */
  rollback(command: RollbackCommand): Promise<RollbackReport>

  /**
   * Sets a flag that everybody's rollout follows until it is set again. One that follows a service
   * never goes above it.
   */
  setFlag(flag: string, on: boolean, by: string): Promise<FlagReport>

  /**
   * Closes the investigations that a guardrail has opened.
   * @returns how many there were
   */
  resolve(guardrail: string, by: string): Promise<number>

  /**
   * Runs the `down` of an operation in the background: see the journal's operations for
   * `<operation>.down`. Latches where nothing is latched.
   * @throws Refused where none is declared, or green still has traffic
   */
  takeDown(operation: string, by: string): Promise<void>

  /** Records what is live as verified, never above the journal. Green above it goes down to it. */
  adopt(): Promise<ServiceWeights>

  /** What the router's answers said of a colour over the last `windowMs` of the real clock. */
  measure(service: string, colour: ColourName, windowMs: number): Promise<Measurement>

  /** Takes a backup, verifies it and records it in the journal. */
  backup(name: string, plan: Plan, progress: (message: string) => void): Promise<BackupRecord>

  backups(): Promise<BackupRecord[]>

  /** The newest events of the history, oldest first; where nobody but the hook can read it, none. */
  events?(limit: number): Promise<RolloutEvent[]>

  /**
   * Deletes what the rollout keeps beside the engine's state: latch, journal, history. For the
   * tear-down, after everything else is gone.
   * @returns what stays, in words
   */
  forget?(): Promise<string>
}

/** A person's rollback. */
export interface RollbackCommand {
  by: string
  reason: string
  /** Only this service, and what came after it; default: everything. */
  service?: string
  /** Only this phase, and what came after it. */
  phase?: string
  /** Step by step, as the plan's guardrails go down by default; default at once. */
  progressively?: boolean
  /** When the person gave it, ISO 8601: promised times count from here; default now. */
  askedAt?: string
}

export interface RollbackReport {
  weights: ServiceWeights
  latched: boolean
  /** ms from the command to green read back at 0. */
  tookMs: number
  /** How it was done: by the hook, or directly where the hook does not answer. */
  via: 'hook' | 'direct'
  /**
   * What the plan promises, held against what it took as far as it is done: of the traffic, and of
   * everything where no operation is left; nothing while it goes down step by step.
   */
  limits?: Held[]
  /** The operations that bring the state back and are not done yet; the hook runs them. */
  waitsFor?: string[]
}

/** What came of setting a flag. */
export interface FlagReport {
  flag: string
  on: boolean
  /** Percent of the users for whom it is on now. */
  percent: number
  /** ms from the command to the flag file written. */
  tookMs: number
  limits: Held[]
}

/** The platform, or a part of it, could not be reached. Nothing is known and nothing was changed. */
export class Unavailable extends Error {
  override name: string = 'Unavailable'
}

/**
 * What the platform keeps was read and makes no sense. It is as good as missing, and waiting mends
 * nothing; what could not be asked for is {@link Unavailable} alone, and says nothing of what stands.
 */
export class Corrupt extends Unavailable {
  override name = 'Corrupt'
}

/** The platform was reached and refused. Nothing was changed. */
export class Refused extends Error {
  override name = 'Refused'
  readonly refusals: Refusal[]
  constructor(message: string, refusals: Refusal[] = []) {
    super(message)
    this.refusals = refusals
  }
}
