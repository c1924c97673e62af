import { type Admission, admit, describeTrip } from '../../rollout/admission.ts'
import { canonical } from '../../rollout/hash.ts'
import type { Journal } from '../../rollout/journal.ts'
import { acknowledge, clearLatch, type Latch, missingLatch } from '../../rollout/latch.ts'
import { isUnavailable, type Observation } from '../../rollout/observation.ts'
import { describeRefusals } from '../../rollout/refusal.ts'
import type { Request } from '../../rollout/request.ts'
import {
  allBlue,
  describeChange,
  greenOf,
  rising,
  sameWeights,
  split,
} from '../../rollout/weights.ts'
import { Refused } from '../platform.ts'
import { inFallingOrder } from './aim.ts'
import { landed, newJournal } from './entries.ts'
import type { Ground, Parts } from './ground.ts'
import type { Records } from './records.ts'

/** Decides once more at apply, and records what was decided. Takes turns with every other move. */
export class Admissions {
  readonly #ground: Ground
  readonly #parts: Parts
  readonly #records: Records
  readonly #observe: () => Promise<Observation>
  constructor(ground: Ground, records: Records, observe: () => Promise<Observation>) {
    this.#ground = ground
    this.#parts = ground.parts
    this.#records = records
    this.#observe = observe
  }

  /** See {@link Platform.admit}. */
  async admit(request: Request, lastAttempt?: number): Promise<Admission> {
    const observation = await this.#observe()
    const admission = admit(request, observation, 'apply', lastAttempt)
    if (admission.refusals.length > 0) {
      const message = describeRefusals(
        `${admission.standsAt} → ${admission.position ?? request.position}`,
        admission.change,
        admission.refusals,
      )
      await this.#records.tell('refused', message, 'warning')
      throw new Refused(message, admission.refusals)
    }
    if (this.#parts.router.native) await this.#mayMove(request, admission)
    const journal = await this.#settle(request, admission, observation, lastAttempt)
    const position = admission.position ?? journal.verified.position
    if (!sameWeights(admission.from, admission.permitted)) {
      const { from, permitted: to } = admission
      const at = this.#ground.at()
      const stands = await this.#records.changeUnlessLatched((current) => ({
        ...current,
        intent: { position, from, to, at },
      }))
      // A fall goes through latched too, and has its order from here: dependents first.
      if (!stands && rising(from, to).length === 0) {
        await this.#records.change((current) => ({
          ...current,
          intent: { position: current.verified.position, from, to, at },
        }))
      }
    }
    await this.#records.tell('admitted', `${position}: ${admission.change}`, 'info')
    return admission
  }

  /**
   * Where the weights are a native resource nobody asks again before they are written: no traffic to a
   * colour that is absent or ill, and no rise over another hand that holds the weights.
   */
  async #mayMove(request: Request, { from, permitted }: Admission): Promise<void> {
    const { router } = this.#parts
    for (const service of Object.keys(permitted)) {
      const [before, after] = [greenOf(from, service), greenOf(permitted, service)]
      if (before === after) continue
      if (after > before) await router.mayRise?.(service, before, after)
      const colour = after > before ? 'green' : 'blue'
      if (colour === 'blue' && request.plan.services[service]?.blue === 'none') continue
      if (await router.healthy(service, colour)) continue
      throw new Refused(
        `${service}: ${describeChange({ [service]: split(before) }, { [service]: split(after) })} is refused: ${colour} of ${service} is absent or ill, and would get the traffic; next: bring it back, then pulumi up`,
      )
    }
  }

  /** Brings latch and journal to what an admission rests on: the first, an acknowledged, a lost one. */
  async #settle(
    request: Request,
    admission: Admission,
    observation: Observation,
    lastAttempt?: number,
  ): Promise<Journal> {
    const { store, router } = this.#parts
    const services = inFallingOrder(request.plan, Object.keys(request.plan.services))
    const journal = await store.readJournal()
    const latch = await store.readLatch()
    if (!latch && !journal && lastAttempt === undefined) {
      const live = await router.read()
      if (!sameWeights(live, allBlue(services))) {
        throw new Refused(
          `the first deployment writes a clear latch only with green at 0, but live is ${describeChange(live, live)}; next: sluice doctor`,
        )
      }
      const first = newJournal(request, this.#ground.at())
      await store.writeJournal(first, 'missing')
      await this.#ground.latches.run(() => store.writeLatch(clearLatch(), 'missing'))
      await this.#records.tell('deployed', `${request.plan.name}: green deployed at 0`, 'info')
      return first
    }
    const attempt = journal?.attempt ?? lastAttempt ?? 1
    const held = latch ?? (await this.#rebuild(services, attempt, journal, lastAttempt))
    if (!journal) {
      await store.writeJournal(newJournal({ ...request, attempt }, this.#ground.at()), 'missing')
    }
    const base = (await store.readJournal()) as Journal
    const seen = isLatch(observation.latch) ? observation.latch : undefined
    // Never by the numbers alone: a trip since the admission was decided is one nobody has seen.
    if (!admission.acknowledges) return base
    const next = landed(base, held, request.attempt, this.#ground.at())
    await this.#ground.latch(async () => {
      const current = (await store.readLatch()) ?? held
      // A rollback that went further down since is one that nobody has seen.
      if (seen !== undefined && canonical(current) !== canonical(seen)) {
        throw new Refused(
          `the rollback has gone further down since it was looked at: ${describeTrip(current)}; next: pulumi up again, which shows it`,
        )
      }
      // The journal first: a crash between the two leaves the latch on, and acknowledging again is a no-op.
      await this.#records.change((journal) =>
        landed(journal, held, request.attempt, this.#ground.at()),
      )
      await store.writeLatch(acknowledge(current, request.attempt), current)
    })
    await this.#records.tell(
      'acknowledged',
      `attempt ${request.attempt} acknowledges ${describeTrip(held)}`,
      'warning',
    )
    return next
  }

  /** A latch that should stand and does not counts as latched; its green goes to 0. */
  async #rebuild(
    services: string[],
    attempt: number,
    journal?: Journal,
    lastAttempt?: number,
  ): Promise<Latch> {
    const { store, router } = this.#parts
    const none = allBlue(services)
    // The very first admission was cut off between its journal and its latch: nothing has moved yet.
    const cutOff =
      lastAttempt === undefined &&
      journal?.attempt === 1 &&
      journal.verified.position === 'start' &&
      sameWeights(await router.read(), none)
    const [held, rebuilt] = await this.#ground.latch(async (): Promise<[Latch, boolean]> => {
      const current = await store.readLatch()
      if (current) return [current, false]
      const next = cutOff ? clearLatch() : missingLatch(attempt, none, this.#ground.at())
      await store.writeLatch(next, 'missing')
      return [next, true]
    })
    if (rebuilt && held.latched) {
      await this.#ground.writes.run(() => router.write(none))
      await this.#records.tell(
        'tripped',
        `the latch was missing and is rebuilt: ${describeTrip(held)}`,
        'critical',
      )
    }
    return held
  }
}

function isLatch(latch: Observation['latch']): latch is Latch {
  return latch !== 'missing' && !isUnavailable(latch)
}
