import { acknowledgement, describeTrip } from '../../rollout/admission.ts'
import type { Latch } from '../../rollout/latch.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { fallingOrder } from '../../rollout/services.ts'
import {
  describeChange,
  greenOf,
  rising,
  type ServiceWeights,
  sameWeights,
  split,
  type Weights,
} from '../../rollout/weights.ts'
import { Refused } from '../platform.ts'
import { arrived, finishedBy, withCheckpoint } from './entries.ts'
import type { Ground, Parts } from './ground.ts'
import { orNothing } from './outcomes.ts'
import type { Records } from './records.ts'
import type { Rollbacks } from './rollbacks.ts'

/** Sets weights that were admitted, and reads them back. Takes turns with every other move. */
export class Moves {
  readonly #ground: Ground
  readonly #parts: Parts
  readonly #records: Records
  readonly #rollbacks: Rollbacks
  constructor(ground: Ground, records: Records, rollbacks: Rollbacks) {
    this.#ground = ground
    this.#parts = ground.parts
    this.#records = records
    this.#rollbacks = rollbacks
  }

  /** See {@link Platform.setWeights}. */
  async setWeights(service: string, weights: Weights): Promise<Weights> {
    await this.#othersFirst(service, weights)
    return this.#setOne(service, weights)
  }

  /**
   * The engine sets the weights of several services in any order. What the intent says of the others
   * comes first where the graph asks for it: dependents fall before what they depend on, and what
   * others depend on rises before them.
   */
  async #othersFirst(service: string, weights: Weights): Promise<void> {
    const { store, router } = this.#parts
    const journal = await store.readJournal()
    const intent = journal?.intent
    if (!journal || !intent) return
    const order = fallingOrder(journal.plan)
    const live = await router.read()
    if (weights.green === greenOf(live, service)) return
    const falls = weights.green < greenOf(live, service)
    const before = order.slice(0, order.indexOf(service))
    const after = order.slice(order.indexOf(service) + 1).reverse()
    for (const other of falls ? before : after) {
      const asked = greenOf(intent.to, other)
      const now = greenOf(live, other)
      if (falls ? asked < now : asked > now) await this.#setOne(other, split(asked))
    }
  }

  async #setOne(service: string, weights: Weights): Promise<Weights> {
    const { store, router } = this.#parts
    const live = await router.read()
    const before = greenOf(live, service)
    const rises = weights.green > before
    const asked = `${service}: ${describeChange({ [service]: split(before) }, { [service]: weights })}`
    if (rises) await this.#mayRise(service, before, weights, asked)
    else if (weights.green < before) await this.#mayFall(service, asked)
    const begun = this.#ground.at()
    await this.#ground.writes.run(async () => {
      // What was no rise when it was asked for is one if a rollback has come in between.
      const up = rising(await router.read(), { [service]: weights })
      if (up.length > 0) refuseLatched(await store.readLatch(), asked)
      await router.write({ [service]: weights })
    })
    // Another process may have latched between the question and the write: the latch has the last word.
    const after = await store.readLatch()
    if (after?.latched) await this.#rollbacks.assert()
    const reached = split(greenOf(await router.read(), service))
    if (reached.green !== weights.green) {
      throw new Refused(
        `${asked} was asked for, but live is green ${reached.green}${after?.latched ? `: ${describeTrip(after)}` : ''}; next: sluice status`,
      )
    }
    if (weights.green !== before) {
      await this.#records.tell(
        'weights',
        describeChange(live, { ...live, [service]: weights }),
        'info',
        {
          service,
          from: before,
          to: weights.green,
          begun,
        },
      )
    }
    return reached
  }

  async #mayRise(service: string, before: number, weights: Weights, asked: string): Promise<void> {
    const { store, router, guard } = this.#parts
    const [latch, journal] = [await store.readLatch(), await store.readJournal()]
    const refuse = (why: string): never => {
      throw new Refused(`${asked} is refused: ${why}`)
    }
    refuseLatched(latch, asked)
    if (!journal) refuse('there is no journal; next: sluice doctor --adopt')
    const intent = journal?.intent
    if (!intent || greenOf(intent.to, service) !== weights.green) {
      refuse('no update was admitted for it; next: pulumi up without --target')
    }
    // Somebody has stepped back since: the way back wins.
    const admitted = greenOf(intent?.from ?? {}, service)
    if (admitted !== before) {
      refuse(
        `it was admitted from green ${admitted}, and another update has changed that since; next: sluice status, then pulumi up again`,
      )
    }
    const { alive, reason } = guard()
    if (!alive)
      refuse(`no guard, no rise: ${reason ?? 'the hook does not answer'}; next: sluice doctor`)
    if (!(await router.healthy(service, 'green'))) {
      refuse(`green of ${service} is not healthy; next: sluice status`)
    }
  }

  async #mayFall(service: string, asked: string): Promise<void> {
    const { store, router } = this.#parts
    const plan = (await orNothing(store.readJournal()))?.plan
    if (plan?.services[service]?.blue === 'none') return
    if (await router.healthy(service, 'blue')) return
    throw new Refused(
      `${asked} is refused: blue of ${service} is absent or ill, and would get the traffic; next: bring blue back, then pulumi up`,
    )
  }

  /** See {@link Platform.verify}. */
  async verify(request: Request): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const target = findPosition(positionsOf(request.plan), request.position)
    const [live, latch, journal] = [
      await router.read(),
      await store.readLatch(),
      await store.readJournal(),
    ]
    if (!target || !journal || !latch) {
      throw new Refused('verification needs a position, a journal and a latch; next: pulumi up')
    }
    if (latch.latched) return live
    if (!sameWeights(live, target.weights)) {
      throw new Refused(
        `${target.name} is not what the router does: ${describeChange(target.weights, live)}; next: pulumi up again, or sluice doctor`,
      )
    }
    if (journal.verified.position !== target.name || journal.intent) {
      // Whoever wrote it, users came from where the move was admitted.
      const before = journal.intent?.from ?? journal.weights
      await router.seen?.(Object.keys(target.weights), before)
      const stands = await this.#records.changeUnlessLatched((current) =>
        arrived(
          withCheckpoint(current, target.index, this.#ground.at()),
          target.name,
          live,
          this.#ground.at(),
        ),
      )
      if (!stands) return router.read()
      await this.#records.tell('verified', `${target.name} is live`, 'info', {
        position: target.name,
      })
      const finished = finishedBy(journal, target.index)
      if (finished) {
        const { message, notify } = finished
        await this.#records.tell('checkpoint', message, 'info', notify ? { notify } : undefined)
      }
    }
    return live
  }
}

function refuseLatched(latch: Latch | undefined, asked: string): void {
  if (!latch) {
    throw new Refused(
      `${asked} is refused: there is no latch, which counts as latched; next: pulumi up`,
    )
  }
  if (latch.latched) {
    throw new Refused(
      `${asked} is refused: latched, ${describeTrip(latch)}; next: ${acknowledgement(latch)}`,
    )
  }
}
