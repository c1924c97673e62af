import { type Admission, acknowledgement, admit, describeTrip } from '../rollout/admission.ts'
import type { Alarm, BackupRecord, Journal, Verdict } from '../rollout/journal.ts'
import { acknowledge, clearLatch, type Latch, latchAt, missingLatch } from '../rollout/latch.ts'
import type { Guard, Observation, Unavailable as Unknown } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { findPosition, landingOf, positionsOf } from '../rollout/positions.ts'
import { describeRefusals } from '../rollout/refusal.ts'
import type { Request } from '../rollout/request.ts'
import {
  allBlue,
  anyGreen,
  describeChange,
  greenOf,
  lower,
  rising,
  type ServiceWeights,
  sameWeights,
  split,
  type Weights,
} from '../rollout/weights.ts'
import { Refused, type RollbackCommand } from './platform.ts'
import type { Router } from './router.ts'
import type { RolloutEvent, Store } from './store.ts'
import { Turns } from './turns.ts'

/** What the operations stand on. */
export interface Parts {
  store: Store
  router: Router
  now(): Date
  alarms(): Alarm[] | Unknown
  guard(): Guard
  /** Told of every event after it stands in the history; must not throw and is not awaited. */
  announce(event: RolloutEvent): void
}

/** Why the latch is written. */
export interface TripCause {
  cause: string
  value: string
  threshold: string
  reason: string
  /** When the first bad answer of the evidence came, ISO 8601; undefined where nothing was counted. */
  firstBadAt?: string
}

/** Why a person's rollback latches: no number was held against another. */
export function commanded({ by, reason }: RollbackCommand): TripCause {
  return {
    cause: 'rollback',
    value: `asked for by ${by}`,
    threshold: '-',
    reason: `${by} rolled back${reason ? `: ${reason}` : ''}`,
  }
}

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
  readonly #moves = new Turns()
  /** Turns of read-and-write on one thing, each as short as its write. */
  readonly #journals = new Turns()
  readonly #latches = new Turns()
  readonly #writes = new Turns()
  #tripping: Promise<Tripped> | undefined
  constructor(parts: Parts) {
    this.#parts = parts
  }

  /** Reads all that a decision looks at. A part that is away is named in the result. */
  async observe(): Promise<Observation> {
    const { store, router, now, alarms, guard } = this.#parts
    const [live, journal, latch] = await Promise.all([
      orUnknown(router.read()),
      orUnknown(store.readJournal()),
      orUnknown(store.readLatch()),
    ])
    return {
      at: now().toISOString(),
      deployed: true,
      live,
      journal: journal ?? 'missing',
      latch: latch ?? 'missing',
      guard: guard(),
      alarms: alarms(),
    }
  }

  /** See {@link Platform.admit}. */
  admit(request: Request, lastAttempt?: number): Promise<Admission> {
    return this.#moves.run(() => this.#admit(request, lastAttempt))
  }

  async #admit(request: Request, lastAttempt?: number): Promise<Admission> {
    const observation = await this.observe()
    const admission = admit(request, observation, 'apply', lastAttempt)
    if (admission.refusals.length > 0) {
      const message = describeRefusals(
        `${admission.standsAt} → ${admission.position ?? request.position}`,
        admission.change,
        admission.refusals,
      )
      await this.#record('refused', message, 'warning')
      throw new Refused(message, admission.refusals)
    }
    const journal = await this.#settle(request, admission, lastAttempt)
    const position = admission.position ?? journal.verified.position
    if (!sameWeights(admission.from, admission.permitted)) {
      const { from, permitted: to } = admission
      const intent = { position, from, to, at: this.#at() }
      await this.#changeUnlessLatched((current) => ({ ...current, intent }))
    }
    await this.#record('admitted', `${position}: ${admission.change}`, 'info')
    return admission
  }

  /** Brings latch and journal to what an admission rests on: the first, an acknowledged, a lost one. */
  async #settle(request: Request, admission: Admission, lastAttempt?: number): Promise<Journal> {
    const { store, router } = this.#parts
    const services = Object.keys(request.plan.services)
    const journal = await store.readJournal()
    const latch = await store.readLatch()
    if (!latch && !journal && lastAttempt === undefined) {
      const live = await router.read()
      if (!sameWeights(live, allBlue(services))) {
        throw new Refused(
          `the first deployment writes a clear latch only with green at 0, but live is ${describeChange(live, live)}; next: sluice doctor`,
        )
      }
      const first = newJournal(request, this.#at())
      await store.writeJournal(first)
      await this.#latches.run(() => store.writeLatch(clearLatch()))
      await this.#record('deployed', `${request.plan.name}: green deployed at 0`, 'info')
      return first
    }
    const attempt = journal?.attempt ?? lastAttempt ?? 1
    const held = latch ?? (await this.#rebuild(services, attempt, journal, lastAttempt))
    if (!journal) await store.writeJournal(newJournal({ ...request, attempt }, this.#at()))
    const base = (await store.readJournal()) as Journal
    // Never by the numbers alone: a trip since the admission was decided is one nobody has seen.
    if (!admission.acknowledges) return base
    const next = landed(base, held, request.attempt, this.#at())
    // The journal first: a crash between the two leaves the latch on, and acknowledging again is a no-op.
    await this.#change((current) => landed(current, held, request.attempt, this.#at()))
    await this.#latches.run(async () => {
      const current = (await store.readLatch()) ?? held
      await store.writeLatch(acknowledge(current, request.attempt))
    })
    await this.#record(
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
    const [held, rebuilt] = await this.#latches.run(async (): Promise<[Latch, boolean]> => {
      const current = await store.readLatch()
      if (current) return [current, false]
      const next = cutOff ? clearLatch() : missingLatch(attempt, none, this.#at())
      await store.writeLatch(next)
      return [next, true]
    })
    if (rebuilt && held.latched) {
      await this.#writes.run(() => router.write(none))
      await this.#record(
        'tripped',
        `the latch was missing and is rebuilt: ${describeTrip(held)}`,
        'critical',
      )
    }
    return held
  }

  /** See {@link Platform.setWeights}. */
  setWeights(service: string, weights: Weights): Promise<Weights> {
    return this.#moves.run(() => this.#setWeights(service, weights))
  }

  async #setWeights(service: string, weights: Weights): Promise<Weights> {
    const { store, router } = this.#parts
    const live = await router.read()
    const before = greenOf(live, service)
    const rises = weights.green > before
    const asked = `${service}: ${describeChange({ [service]: split(before) }, { [service]: weights })}`
    if (rises) await this.#mayRise(service, weights, asked)
    else if (weights.green < before) await this.#mayFall(service, asked)
    await this.#writes.run(async () => {
      // What was no rise when it was asked for is one if a rollback has come in between.
      const up = rising(await router.read(), { [service]: weights })
      if (up.length > 0) refuseLatched(await store.readLatch(), asked)
      await router.write({ [service]: weights })
    })
    // Another process may have latched between the question and the write: the latch has the last word.
    const after = await store.readLatch()
    if (after?.latched) await this.assert()
    const reached = split(greenOf(await router.read(), service))
    if (reached.green !== weights.green) {
      throw new Refused(
        `${asked} was asked for, but live is green ${reached.green}${after?.latched ? `: ${describeTrip(after)}` : ''}; next: sluice status`,
      )
    }
    if (weights.green !== before) {
      await this.#record('weights', describeChange(live, { ...live, [service]: weights }), 'info', {
        service,
        from: before,
        to: weights.green,
      })
    }
    return reached
  }

  async #mayRise(service: string, weights: Weights, asked: string): Promise<void> {
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
    const { alive, reason } = guard()
    if (!alive)
      refuse(`no guard, no rise: ${reason ?? 'the hook does not answer'}; next: sluice doctor`)
    if (!(await router.healthy(service, 'green'))) {
      refuse(`green of ${service} is not healthy; next: sluice status`)
    }
  }

  async #mayFall(service: string, asked: string): Promise<void> {
    if (await this.#parts.router.healthy(service, 'blue')) return
    throw new Refused(
      `${asked} is refused: blue of ${service} is absent or ill, and would get the traffic; next: bring blue back, then pulumi up`,
    )
  }

  /** See {@link Platform.verify}. */
  verify(request: Request): Promise<ServiceWeights> {
    return this.#moves.run(() => this.#verify(request))
  }

  async #verify(request: Request): Promise<ServiceWeights> {
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
      const stands = await this.#changeUnlessLatched((current) =>
        arrived(current, target.name, live, this.#at()),
      )
      if (!stands) return router.read()
      await this.#record('verified', `${target.name} is live`, 'info', { position: target.name })
    }
    return live
  }

  /**
   * Latches durably, puts green to 0, reads back, and only then says so. A rollout that is
   * released has no guard: there it only tells. Latched already, it asserts again. It acts with
   * whatever of the store can be read.
   * @returns the live weights, and whether this call was the one that latched
   * @throws what kept it from latching or from reading back, after everything else was tried
   */
  async trip(cause: TripCause): Promise<Tripped> {
    if (this.#tripping) return { ...(await this.#tripping), latched: false }
    this.#tripping = this.#trip(cause).finally(() => {
      this.#tripping = undefined
    })
    return this.#tripping
  }

  async #trip(cause: TripCause): Promise<Tripped> {
    const { store, router, now } = this.#parts
    const started = performance.now()
    const trippedAt = now()
    const journal = await orNothing(store.readJournal())
    if (journal && isDisarmed(journal)) {
      await this.#record('alarm', `released, so only told: ${cause.reason}`, 'warning')
      return { weights: await router.read(), latched: false }
    }
    const before = await orNothing(store.readLatch())
    if (!journal && !before) {
      // Nothing is deployed, or nothing can be read: green gets nothing, and a latch is not invented.
      const weights = await router.read()
      if (!anyGreen(weights)) return { weights, latched: false }
      await this.#writes.run(() => router.write(allBlue(Object.keys(weights))))
      return { weights: await router.read(), latched: false }
    }
    let mine = false
    const latch = await this.#latches.run(async () => {
      const held = await orNothing(store.readLatch())
      if (held?.latched) return held
      const next = tripped(held, journal, cause, trippedAt.toISOString())
      mine = true
      const failure = await failureOf(store.writeLatch(next))
      if (failure) await this.#withoutLatch(next, failure)
      return next
    })
    if (!mine) return { weights: await this.#assert(true), latched: false }
    const lowered = await settled(this.#lower(latch))
    const done = now()
    const weights = 'value' in lowered ? lowered.value.weights : undefined
    const down = weights !== undefined && rising(latch.ceiling, weights).length === 0
    const headline = down
      ? 'ROLLED BACK'
      : weights
        ? 'LATCHED, BUT GREEN KEEPS TRAFFIC because blue is absent or ill'
        : `LATCHED, BUT THE ROUTER COULD NOT BE READ BACK (${'error' in lowered ? messageOf(lowered.error) : ''})`
    const firstBadAt = cause.firstBadAt ?? trippedAt.toISOString()
    await this.#record(
      'tripped',
      `${headline}: ${describeTrip(latch)}. To go on: ${acknowledgement(latch)}`,
      'critical',
      {
        trip: latch.trips,
        record: latch.trip,
        weights,
        firstBadAt,
        trippedAt: trippedAt.toISOString(),
        tookMs: Math.max(0, done.getTime() - Date.parse(firstBadAt)),
        actedMs: Math.round((performance.now() - started) * 100) / 100,
      },
    )
    await this.#change((current) => landed(current, latch, latch.attempt, this.#at()))
    if ('error' in lowered) throw lowered.error
    return { weights: lowered.value.weights, latched: true }
  }

  /** The latch could not be written: green loses its traffic all the same, and people are told. */
  async #withoutLatch(latch: Latch, failure: unknown): Promise<never> {
    await settled(this.#lower(latch))
    await this.#record(
      'tripped',
      `GREEN IS AT 0, BUT THE LATCH COULD NOT BE WRITTEN (${messageOf(failure)}): ${describeTrip(latch)}`,
      'critical',
    )
    throw failure
  }

  /** While latched, puts every green that stands above the ceiling back to it. */
  assert(): Promise<ServiceWeights> {
    // Between its latch and its weights a trip is at work; nobody has overwritten it.
    return this.#assert(this.#tripping === undefined)
  }

  async #assert(tells: boolean): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const latch = await store.readLatch()
    if (!latch?.latched) return router.read()
    const { weights, lowered } = await this.#lower(latch)
    if (lowered.length > 0 && tells) {
      await this.#record(
        'asserted',
        `green of ${lowered.join(', ')} was above what the latch allows and is put back: ${describeTrip(latch)}`,
        'warning',
      )
    }
    return weights
  }

  /** Puts green to the ceiling where blue is able to take over, and reads back. */
  async #lower(latch: Latch): Promise<{ weights: ServiceWeights; lowered: string[] }> {
    const { router } = this.#parts
    // What cannot be read may be above the ceiling.
    const live = await orNothing(router.read())
    const above = live
      ? rising({ ...allBlue(Object.keys(live)), ...latch.ceiling }, live)
      : Object.keys(latch.ceiling)
    const movable: string[] = []
    for (const service of above) {
      if ((await orNothing(router.healthy(service, 'blue'))) !== false) movable.push(service)
    }
    if (live && movable.length === 0) return { weights: live, lowered: [] }
    const weights = Object.fromEntries(
      movable.map((service) => [service, split(greenOf(latch.ceiling, service))]),
    )
    await this.#writes.run(() => router.write(weights))
    return { weights: await router.read(), lowered: movable }
  }

  /** See {@link Platform.adopt}. */
  adopt(plan: Plan, planHash: string): Promise<ServiceWeights> {
    return this.#moves.run(() => this.#adopt(plan, planHash))
  }

  async #adopt(plan: Plan, planHash: string): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const services = Object.keys(plan.services)
    const none = allBlue(services)
    const journal = await store.readJournal()
    // Live is read in the turn of the write, so that nothing can rise by it.
    const [live, weights] = await this.#writes.run(async () => {
      const live = await router.read()
      const adopted = lower(
        Object.fromEntries(services.map((service) => [service, split(greenOf(live, service))])),
        { ...none, ...journal?.weights },
      )
      await router.write(adopted)
      return [live, adopted] as const
    })
    const position = await this.#journals.run(async () => {
      const latch = await store.readLatch()
      const base =
        (await store.readJournal()) ??
        newJournal(
          {
            plan,
            planHash,
            position: 'start',
            attempt: latch?.attempt ?? 1,
            confirmed: [],
            clock: 1,
          },
          this.#at(),
        )
      // A rollback that came in between has the last word.
      const kept = latch?.latched ? lower(weights, { ...none, ...latch.ceiling }) : weights
      const keeps = journal && sameWeights(kept, base.weights)
      const name = keeps ? base.verified.position : standingAt(plan, kept)
      await store.writeJournal(arrived(base, name, kept, this.#at()))
      return name
    })
    await this.#record(
      'adopted',
      `live weights adopted as ${position}: ${describeChange(live, weights)}`,
      'warning',
      { position },
    )
    return weights
  }

  /** Records the verdict of a gate; the newest counts. */
  async recordVerdict(verdict: Verdict): Promise<void> {
    await this.#change((journal) => ({
      ...journal,
      verdicts: [
        ...journal.verdicts.filter(
          (entry) =>
            entry.gate !== verdict.gate ||
            entry.position !== verdict.position ||
            entry.attempt !== verdict.attempt ||
            entry.planHash !== verdict.planHash,
        ),
        verdict,
      ],
    }))
    if (verdict.result === 'running') return
    await this.#record(
      'gate',
      `gate ${verdict.gate} ${verdict.result} at ${verdict.position}: ${verdict.reason}`,
      verdict.result === 'passed' ? 'info' : 'warning',
    )
  }

  /** Records a backup; a later record of the same id replaces it. */
  async recordBackup(record: BackupRecord): Promise<void> {
    await this.#change((journal) => ({
      ...journal,
      backups: [...journal.backups.filter(({ id }) => id !== record.id), record],
    }))
    await this.#record('backup', `backup ${record.name} ${record.id} taken and verified`, 'info')
  }

  /** The hook guards another plan from now on: what baked under the old one does not count. */
  async setPlan(plan: Plan, planHash: string): Promise<void> {
    await this.#change((journal) =>
      journal.planHash === planHash ? journal : { ...journal, plan, planHash, guardedMs: 0 },
    )
  }

  /** Adds what happened since the last call: time under guard, answers of green, baselines. */
  async progress(change: (journal: Journal) => Journal): Promise<void> {
    await this.#change(change)
  }

  /** Every change of the journal comes through here, one after the other, so that none is lost. */
  #change(change: (journal: Journal) => Journal): Promise<void> {
    return this.#journals.run(async () => {
      const journal = await this.#parts.store.readJournal()
      if (!journal) return
      const next = change(journal)
      if (next !== journal) await this.#parts.store.writeJournal(next)
    })
  }

  /**
   * A change that a rollback overrules: it is left out once the latch is on.
   * @returns whether it was made
   */
  #changeUnlessLatched(change: (journal: Journal) => Journal): Promise<boolean> {
    return this.#journals.run(async () => {
      const { store } = this.#parts
      const [journal, latch] = [await store.readJournal(), await store.readLatch()]
      if (!journal || latch?.latched) return false
      await store.writeJournal(change(journal))
      return true
    })
  }

  /** Writes an event into the history and announces it. */
  async record(event: Omit<RolloutEvent, 'at'>): Promise<void> {
    await this.#record(event.kind, event.message, event.severity, event.details)
  }

  async #record(
    kind: RolloutEvent['kind'],
    message: string,
    severity: RolloutEvent['severity'],
    details?: Record<string, unknown>,
  ): Promise<void> {
    const event: RolloutEvent = { at: this.#at(), kind, message, severity, details }
    await this.#parts.store.appendEvent(event).catch(() => {})
    this.#parts.announce(event)
  }

  #at(): string {
    return this.#parts.now().toISOString()
  }
}

/** True where the rollout is released: latch and guard are disarmed, alarms only notify. */
export function isDisarmed(journal: Journal): boolean {
  const kind = findPosition(positionsOf(journal.plan), journal.verified.position)?.kind
  return kind === 'released' || kind === 'retired'
}

/** What a trip came to. */
export interface Tripped {
  weights: ServiceWeights
  /** True for the call that latched; false where it was latched already, or nothing is guarded. */
  latched: boolean
}

/** The latch that a trip writes, from whatever is known. */
function tripped(
  held: Latch | undefined,
  journal: Journal | undefined,
  { cause, value, threshold, reason }: TripCause,
  at: string,
): Latch {
  const why = { cause, value, threshold, reason, at }
  const attempt = journal?.attempt ?? 1
  const base = held ?? { ...clearLatch(), trips: attempt - 1, attempt }
  if (!journal) return latchAt(base, { ...why, position: 'unknown', landing: 'start' }, {})
  const positions = positionsOf(journal.plan)
  const reached = journal.intent?.position ?? journal.verified.position
  const from = findPosition(positions, reached) ?? positions[0]!
  const landing = landingOf(positions, from)
  return latchAt(base, { ...why, position: from.name, landing: landing.name }, landing.weights)
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

/** Live between two positions: the rollout stands at the last one that gives no green more. */
function standingAt(plan: Plan, weights: ServiceWeights): string {
  const standing = positionsOf(plan)
    .filter((position) => position.kind === 'start' || position.kind === 'step')
    .findLast((position) => rising(weights, position.weights).length === 0)
  return standing?.name ?? 'start'
}

function newJournal(request: Request, at: string): Journal {
  return {
    plan: request.plan,
    planHash: request.planHash,
    verified: { position: 'start', at },
    weights: allBlue(Object.keys(request.plan.services)),
    attempt: request.attempt,
    guardedMs: 0,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
  }
}

function arrived(journal: Journal, position: string, weights: ServiceWeights, at: string): Journal {
  const { intent: _done, ...rest } = journal
  return { ...rest, verified: { position, at }, weights, guardedMs: 0, green: {} }
}

function landed(journal: Journal, latch: Latch, attempt: number, at: string): Journal {
  const weights = allBlue(Object.keys(journal.plan.services))
  return { ...arrived(journal, latch.trip?.landing ?? 'start', weights, at), attempt }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function orUnknown<T>(promise: Promise<T>): Promise<T | Unknown> {
  try {
    return await promise
  } catch (error) {
    return { unavailable: messageOf(error) }
  }
}

async function orNothing<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch(() => undefined)
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error ?? new Error('unknown'),
  )
}

async function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}
