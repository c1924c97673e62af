import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { scopesOf } from '../../rollout/limits.ts'
import {
  followRollbacks,
  heldSoFar,
  isDown,
  isMeasuring,
  type News,
  type SoFar,
} from '../../rollout/rollback-limits.ts'
import { describeNews } from '../../rollout/rollback-words.ts'
import type { ServiceWeights } from '../../rollout/weights.ts'
import { landed } from './entries.ts'
import type { Ground, TripCause } from './ground.ts'
import { orNothing } from './outcomes.ts'
import type { Records } from './records.ts'

/** Follows each rollback in the journal until it is done, and holds its times against the plan. */
export class Measures {
  readonly #ground: Ground
  readonly #records: Records
  constructor(ground: Ground, records: Records) {
    this.#ground = ground
    this.#records = records
  }

  /**
   * What there is to tell of a rollback that just acted; nothing where no plan is known.
   * @param down true where green was read back at the landing
   */
  news(journal: Journal | undefined, latch: Latch, down: boolean, at: Date): News[] {
    if (!journal) return []
    return followRollbacks(journal, latch, () => down, at.toISOString(), latch.trips).news
  }

  /** The journal stands where the rollback landed, and follows it until it is done. */
  land(latch: Latch, down: boolean, at: Date): Promise<void> {
    return this.#records.change((current) => {
      const now = at.toISOString()
      const { journal } = followRollbacks(current, latch, () => down, now, latch.trips)
      return landed(journal, latch, latch.attempt, this.#ground.at())
    })
  }

  /**
   * Looks at every rollback that is not done, and tells what is new: that it is, and after which time,
   * or that a promised time is over before that.
   */
  async look(): Promise<void> {
    const { store, router } = this.#ground.parts
    const [journal, latch] = [
      await orNothing(store.readJournal()),
      await orNothing(store.readLatch()),
    ]
    if (!journal || !isMeasuring(journal, latch)) return
    const live = await orNothing(router.read())
    const at = this.#ground.at()
    let news: News[] = []
    await this.#records.change((current) => {
      const isDownAt = (landing: string) =>
        live !== undefined && isDown(current.plan, landing, live)
      const looked = followRollbacks(current, latch, isDownAt, at)
      news = looked.news
      return looked.journal
    })
    for (const each of news) {
      const { message, severity } = describeNews(journal, each)
      const { tookMs, held, rollback } = each
      const details = { trip: rollback.trip, tookMs, limits: held }
      await this.#records.tell('limit', message, severity, details)
    }
  }

  /**
   * What is promised for a rollback that somebody asked for, as far as it is done.
   * @param tookMs from the command to the weights read back
   */
  async soFar(cause: TripCause, weights: ServiceWeights, tookMs: number): Promise<SoFar> {
    const { store } = this.#ground.parts
    const [journal, latch] = [
      await orNothing(store.readJournal()),
      await orNothing(store.readLatch()),
    ]
    if (!journal || !latch?.latched || latch.descent) return { limits: [], waitsFor: [] }
    return heldSoFar(journal, latch, scopesOf(cause, journal.plan), weights, tookMs)
  }
}
