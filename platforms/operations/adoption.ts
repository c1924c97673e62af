import type { Plan } from '../../rollout/plan.ts'
import {
  allBlue,
  describeChange,
  greenOf,
  lower,
  type ServiceWeights,
  sameWeights,
  split,
} from '../../rollout/weights.ts'
import { inFallingOrder } from './aim.ts'
import { arrived, newJournal, standingAt } from './entries.ts'
import type { Ground, Parts } from './ground.ts'
import type { Records } from './records.ts'

/** Records what is live as verified, never above the journal. */
export class Adoption {
  readonly #ground: Ground
  readonly #parts: Parts
  readonly #records: Records
  constructor(ground: Ground, records: Records) {
    this.#ground = ground
    this.#parts = ground.parts
    this.#records = records
  }

  /** See {@link Platform.adopt}. */
  async adopt(plan: Plan, planHash: string): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    // What falls by it falls in order.
    const services = inFallingOrder(plan, Object.keys(plan.services))
    const none = allBlue(services)
    const journal = await store.readJournal()
    // Live is read in the turn of the write, so that nothing can rise by it.
    const [live, weights] = await this.#ground.writes.run(async () => {
      const live = await router.read()
      const adopted = lower(
        Object.fromEntries(services.map((service) => [service, split(greenOf(live, service))])),
        { ...none, ...journal?.weights },
      )
      await router.write(adopted)
      return [live, adopted] as const
    })
    const position = await this.#ground.journal(async () => {
      const latch = await store.readLatch()
      const current = await store.readJournal()
      const base =
        current ??
        newJournal(
          {
            plan,
            planHash,
            position: 'start',
            attempt: latch?.attempt ?? 1,
            confirmed: [],
            clock: 1,
          },
          this.#ground.at(),
        )
      // A rollback that came in between has the last word.
      const kept = latch?.latched ? lower(weights, { ...none, ...latch.ceiling }) : weights
      const keeps = journal && sameWeights(kept, base.weights)
      const name = keeps ? base.verified.position : standingAt(plan, kept)
      await store.writeJournal(arrived(base, name, kept, this.#ground.at()), current ?? 'missing')
      return name
    })
    await this.#records.tell(
      'adopted',
      `live weights adopted as ${position}: ${describeChange(live, weights)}`,
      'warning',
      { position },
    )
    return weights
  }
}
