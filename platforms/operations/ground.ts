import type { Pace } from '../../rollout/action.ts'
import type { Alarm, Journal } from '../../rollout/journal.ts'
import type { Guard, Unavailable as Unknown } from '../../rollout/observation.ts'
import type { Scope } from '../../rollout/positions.ts'
import type { ServiceWeights } from '../../rollout/weights.ts'
import type { Router } from '../router.ts'
import { Conflict, type RolloutEvent, type Store } from '../store.ts'
import { Turns } from '../turns.ts'

/** What the operations stand on. */
export interface Parts {
  store: Store
  router: Router
  now(): Date
  alarms(): Alarm[] | Unknown
  guard(): Guard
  /** The journal of the environment before this one; undefined where there is none before it. */
  previous?(): Promise<Journal | 'missing' | Unknown | undefined>
  /** Told of every event after it stands in the history; must not throw and is not awaited. */
  announce(event: RolloutEvent): void
}

/** Why the latch is written. */
export interface TripCause {
  cause: string
  value: string
  threshold: string
  reason: string
  /** The service that it was seen on; undefined: the whole plan. */
  service?: string
  /** How much goes back; default the service, or the plan where no service is named. */
  scope?: Scope
  /** Default at once. */
  pace?: Pace
  /** When the first bad answer of the evidence came, ISO 8601; undefined where nothing was counted. */
  firstBadAt?: string
  /**
   * When what the plan asks for was complete, ISO 8601, where that is later than the first bad answer:
   * the last of the failed checks in a row. For a person's command: when it was given.
   */
  triggeredAt?: string
}

/** What a trip came to. */
export interface Tripped {
  weights: ServiceWeights
  /** True for the call that latched; false where it was latched already, or nothing is guarded. */
  latched: boolean
}

/** What all operations of one process share: the parts, and the turns that they take. */
export class Ground {
  readonly parts: Parts
  /** Turns of read-and-write on one thing, each as short as its write. */
  readonly journals = new Turns()
  readonly latches = new Turns()
  readonly writes = new Turns()
  constructor(parts: Parts) {
    this.parts = parts
  }

  /** One read-and-write of the latch: in its turn, and again where another process came first. */
  latch<T>(task: () => Promise<T>): Promise<T> {
    return this.latches.run(() => again(task))
  }

  /** The same for the journal. */
  journal<T>(task: () => Promise<T>): Promise<T> {
    return this.journals.run(() => again(task))
  }

  at(): string {
    return this.parts.now().toISOString()
  }
}

/** More than so many others in a row is no race any more. */
const MOST_RACES = 50

async function again<T>(task: () => Promise<T>): Promise<T> {
  for (let races = 0; ; races++) {
    try {
      return await task()
    } catch (error) {
      if (!(error instanceof Conflict) || races >= MOST_RACES) throw error
    }
  }
}
