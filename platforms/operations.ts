import type { Admission } from '../rollout/admission.ts'
import type {
  BackupRecord,
  Investigation,
  Journal,
  OperationRecord,
  Verdict,
} from '../rollout/journal.ts'
import type { Latch } from '../rollout/latch.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import type { Request } from '../rollout/request.ts'
import type { SoFar } from '../rollout/rollback-limits.ts'
import type { ServiceWeights, Weights } from '../rollout/weights.ts'
import { Admissions } from './operations/admissions.ts'
import { Adoption } from './operations/adoption.ts'
import { Ground, type Parts, type TripCause, type Tripped } from './operations/ground.ts'
import { Moves } from './operations/moves.ts'
import { orUnknown } from './operations/outcomes.ts'
import { Records } from './operations/records.ts'
import { Rollbacks } from './operations/rollbacks.ts'
import type { RolloutEvent } from './store.ts'
import { Turns } from './turns.ts'

export { isDisarmed } from './operations/entries.ts'
export type { Parts, TripCause, Tripped } from './operations/ground.ts'

/**
 * What may be done to a rollout on a live platform, over its store and its router, the same on
 * every platform. Nothing is kept in memory between calls: a second process, or a restart in the
 * middle, finds in the store all that this one knew.
 *
 * Moves (admit, setWeights, verify, adopt) take turns among each other. A trip never waits for
 * them: it latches, then writes; and a rise asks for the latch in the very turn of its write, so
 * that none can be written after the trip's own.
 */
export class Operations {
  readonly #parts: Parts
  readonly #turns = new Turns()
  readonly #records: Records
  readonly #rollbacks: Rollbacks
  readonly #moves: Moves
  readonly #admissions: Admissions
  readonly #adoption: Adoption
  constructor(parts: Parts) {
    const ground = new Ground(parts)
    this.#parts = parts
    this.#records = new Records(ground)
    this.#rollbacks = new Rollbacks(ground, this.#records)
    this.#moves = new Moves(ground, this.#records, this.#rollbacks)
    this.#admissions = new Admissions(ground, this.#records, () => this.observe())
    this.#adoption = new Adoption(ground, this.#records)
  }

  /** Reads all that a decision looks at. A part that is away is named in the result. */
  async observe(): Promise<Observation> {
    const { store, router, now, alarms, guard } = this.#parts
    const [live, journal, latch, previous] = await Promise.all([
      orUnknown(router.read()),
      orUnknown(store.readJournal()),
      orUnknown(store.readLatch()),
      this.#parts.previous?.(),
    ])
    return {
      at: now().toISOString(),
      deployed: true,
      live,
      journal: journal ?? 'missing',
      latch: latch ?? 'missing',
      guard: guard(),
      alarms: alarms(),
      ...(previous === undefined ? {} : { previous }),
    }
  }

  /** See {@link Platform.admit}. */
  admit(request: Request, lastAttempt?: number): Promise<Admission> {
    return this.#turns.run(() => this.#admissions.admit(request, lastAttempt))
  }

  /** See {@link Platform.setWeights}. */
  setWeights(service: string, weights: Weights): Promise<Weights> {
    return this.#turns.run(() => this.#moves.setWeights(service, weights))
  }

  /** See {@link Platform.verify}. */
  verify(request: Request): Promise<ServiceWeights> {
    return this.#turns.run(() => this.#moves.verify(request))
  }

  /** See {@link Platform.adopt}. */
  adopt(plan: Plan, planHash: string): Promise<ServiceWeights> {
    return this.#turns.run(() => this.#adoption.adopt(plan, planHash))
  }

  /** See {@link Rollbacks.trip}. */
  trip(cause: TripCause): Promise<Tripped> {
    return this.#rollbacks.trip(cause)
  }

  /** See {@link Rollbacks.descend}. */
  descend(clock: number, unstable: boolean): Promise<Latch | undefined> {
    return this.#rollbacks.descend(clock, unstable)
  }

  /** Looks at every rollback that is not done; see {@link Rollbacks.measure}. */
  measure(): Promise<void> {
    return this.#rollbacks.measure()
  }

  /** What is promised for a rollback that somebody asked for, as far as it is done. */
  soFar(cause: TripCause, weights: ServiceWeights, tookMs: number): Promise<SoFar> {
    return this.#rollbacks.soFar(cause, weights, tookMs)
  }

  /** While latched, puts every green that stands above the ceiling back to it. */
  assert(): Promise<ServiceWeights> {
    return this.#rollbacks.assert()
  }

  /** Records the verdict of a gate; the newest counts. */
  recordVerdict(verdict: Verdict): Promise<void> {
    return this.#records.recordVerdict(verdict)
  }

  /** Records what came of an operation; the newest counts. */
  recordOperation(record: OperationRecord): Promise<void> {
    return this.#records.recordOperation(record)
  }

  /** Opens an investigation, which holds every rise until it is closed; once while it is open. */
  investigate(opened: Investigation): Promise<void> {
    return this.#records.investigate(opened)
  }

  /** Closes the open investigations of a guardrail, and tells how many there were. */
  resolve(guardrail: string, by: string): Promise<number> {
    return this.#records.resolve(guardrail, by)
  }

  /** Remembers a flag that a guardrail or a person has set; it stays over restarts. */
  setFlag(flag: string, on: boolean, why: string): Promise<void> {
    return this.#records.setFlag(flag, on, why)
  }

  /** Records a backup; a later record of the same id replaces it. */
  recordBackup(record: BackupRecord): Promise<void> {
    return this.#records.recordBackup(record)
  }

  /** The hook guards another plan from now on: what baked under the old one does not count. */
  setPlan(plan: Plan, planHash: string, clock = 1): Promise<void> {
    return this.#records.setPlan(plan, planHash, clock)
  }

  /** Adds what happened since the last call: time under guard, answers of green, baselines. */
  progress(change: (journal: Journal) => Journal): Promise<void> {
    return this.#records.change(change)
  }

  /** Writes an event into the history and announces it. */
  record({ kind, message, severity, details }: Omit<RolloutEvent, 'at'>): Promise<void> {
    return this.#records.tell(kind, message, severity, details)
  }

  /** See {@link Records.recordOnce}. */
  recordOnce(event: RolloutEvent): Promise<boolean> {
    return this.#records.recordOnce(event)
  }
}
