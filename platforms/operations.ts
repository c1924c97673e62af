import { type Admission, acknowledgement, admit, describeTrip } from '../rollout/admission.ts'
import type { Alarm, BackupRecord, Journal, Verdict } from '../rollout/journal.ts'
import {
  acknowledge,
  acknowledges,
  clearLatch,
  type Latch,
  latchAt,
  missingLatch,
} from '../rollout/latch.ts'
import type { Guard, Observation, Unavailable as Unknown } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { findPosition, landingOf, positionsOf } from '../rollout/positions.ts'
import { describeRefusals } from '../rollout/refusal.ts'
import type { Request } from '../rollout/request.ts'
import {
  allBlue,
  describeChange,
  greenOf,
  rising,
  type ServiceWeights,
  sameWeights,
  split,
  type Weights,
} from '../rollout/weights.ts'
import { Refused } from './platform.ts'
import type { Router } from './router.ts'
import type { RolloutEvent, Store } from './store.ts'

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
}

/**
 * What may be done to a rollout on a live platform, over its store and its router, the same on
 * every platform. Nothing is kept in memory between calls: a second process, or a restart in the
 * middle, finds in the store all that this one knew.
 */
export class Operations {
  readonly #parts: Parts
  #changes: Promise<void> = Promise.resolve()
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
  async admit(request: Request, lastAttempt?: number): Promise<Admission> {
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
      await this.#change((current) => ({ ...current, intent }))
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
      await store.writeLatch(clearLatch())
      await this.#record('deployed', `${request.plan.name}: green deployed at 0`, 'info')
      return first
    }
    const attempt = journal?.attempt ?? lastAttempt ?? 1
    const held = latch ?? missingLatch(attempt, allBlue(services), this.#at())
    if (!latch) {
      await store.writeLatch(held)
      await router.write(allBlue(services))
      await this.#record(
        'tripped',
        `the latch was missing and is rebuilt: ${describeTrip(held)}`,
        'critical',
      )
    }
    if (!journal) await store.writeJournal(newJournal({ ...request, attempt }, this.#at()))
    const base = (await store.readJournal()) as Journal
    if (!admission.acknowledges && !acknowledges(held, request.attempt)) return base
    const next = landed(base, held, request.attempt, this.#at())
    // The journal first: a crash between the two leaves the latch on, and acknowledging again is a no-op.
    await this.#change((current) => landed(current, held, request.attempt, this.#at()))
    await store.writeLatch(acknowledge(held, request.attempt))
    await this.#record(
      'acknowledged',
      `attempt ${request.attempt} acknowledges ${describeTrip(held)}`,
      'warning',
    )
    return next
  }

  /** See {@link Platform.setWeights}. */
  async setWeights(service: string, weights: Weights): Promise<Weights> {
    const { store, router } = this.#parts
    const live = await router.read()
    const before = greenOf(live, service)
    const asked = `${service}: ${describeChange({ [service]: split(before) }, { [service]: weights })}`
    if (weights.green > before) await this.#mayRise(service, weights, asked)
    else if (weights.green < before) await this.#mayFall(service, asked)
    await router.write({ [service]: weights })
    // A rollback may have come between the question and the write: the latch has the last word.
    const after = await store.readLatch()
    if (after?.latched) await this.assert()
    const reached = split(greenOf(await router.read(), service))
    if (reached.green !== weights.green) {
      throw new Refused(
        `${asked} was asked for, but live is green ${reached.green}${after?.latched ? `: ${describeTrip(after)}` : ''}`,
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
    if (!latch) refuse('there is no latch, which counts as latched; next: pulumi up')
    if (latch?.latched) refuse(`latched, ${describeTrip(latch)}; next: ${acknowledgement(latch)}`)
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
      await this.#change((current) => arrived(current, target.name, live, this.#at()))
      await this.#record('verified', `${target.name} is live`, 'info', { position: target.name })
    }
    return live
  }

  /**
   * Latches durably, puts green to 0, reads back, and only then says so. A rollout that is
   * released has no guard: there it only tells. Latched already, it asserts again.
   * @returns the live weights, and whether this call was the one that latched
   */
  async trip(cause: TripCause): Promise<{ weights: ServiceWeights; latched: boolean }> {
    const { store, router } = this.#parts
    const started = performance.now()
    const [journal, latch] = await Promise.all([store.readJournal(), store.readLatch()])
    if (!journal || !latch) {
      const weights = await router.read()
      await router.write(allBlue(Object.keys(weights)))
      return { weights: await router.read(), latched: false }
    }
    if (isDisarmed(journal)) {
      await this.#record('alarm', `released, so only told: ${cause.reason}`, 'warning')
      return { weights: await router.read(), latched: false }
    }
    if (latch.latched) return { weights: await this.assert(), latched: false }
    const positions = positionsOf(journal.plan)
    const reached = journal.intent?.position ?? journal.verified.position
    const from = findPosition(positions, reached) ?? positions[0]!
    const landing = landingOf(positions, from)
    const next = latchAt(
      latch,
      { ...cause, position: from.name, landing: landing.name, at: this.#at() },
      landing.weights,
    )
    await store.writeLatch(next)
    const weights = await this.assert()
    await this.#change((current) => landed(current, next, latch.attempt, this.#at()))
    const down = rising(landing.weights, weights).length === 0
    await this.#record(
      'tripped',
      `${down ? 'ROLLED BACK' : 'LATCHED, BUT GREEN KEEPS TRAFFIC because blue is absent or ill'}: ${describeTrip(next)}. To go on: ${acknowledgement(next)}`,
      'critical',
      { trip: next.trip, weights, tookMs: Math.round(performance.now() - started) },
    )
    return { weights, latched: true }
  }

  /** While latched, puts every green that stands above the ceiling back to it. */
  async assert(): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const latch = await store.readLatch()
    const live = await router.read()
    if (!latch?.latched) return live
    const above = rising({ ...allBlue(Object.keys(live)), ...latch.ceiling }, live)
    const movable: string[] = []
    for (const service of above) {
      if (await router.healthy(service, 'blue')) movable.push(service)
    }
    if (movable.length === 0) return live
    await router.write(
      Object.fromEntries(
        movable.map((service) => [service, split(greenOf(latch.ceiling, service))]),
      ),
    )
    return router.read()
  }

  /** See {@link Platform.adopt}. */
  async adopt(plan: Plan, planHash: string): Promise<ServiceWeights> {
    const { store, router } = this.#parts
    const live = await router.read()
    const journal = await store.readJournal()
    const services = Object.keys(plan.services)
    const ceiling = journal?.weights ?? allBlue(services)
    const weights = Object.fromEntries(
      services.map((service) => [
        service,
        split(Math.min(greenOf(live, service), greenOf(ceiling, service))),
      ]),
    )
    await router.write(weights)
    // Live between two positions: the rollout stands at the last one that gives no green more.
    const standing = positionsOf(plan)
      .filter((position) => position.kind === 'start' || position.kind === 'step')
      .findLast((position) => rising(weights, position.weights).length === 0)
    const base = journal ?? {
      ...newJournal(
        {
          plan,
          planHash,
          position: 'start',
          attempt: (await store.readLatch())?.attempt ?? 1,
          confirmed: [],
          clock: 1,
        },
        this.#at(),
      ),
    }
    const keeps = journal && sameWeights(weights, journal.weights)
    const position = keeps ? journal.verified.position : (standing?.name ?? 'start')
    await store.writeJournal(arrived(base, position, weights, this.#at()))
    await this.#record(
      'adopted',
      `live weights adopted as ${position}: ${describeChange(live, weights)}`,
      'warning',
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
    const turn = this.#changes.then(async () => {
      const journal = await this.#parts.store.readJournal()
      if (!journal) return
      const next = change(journal)
      if (next !== journal) await this.#parts.store.writeJournal(next)
    })
    this.#changes = turn.catch(() => {})
    return turn
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

async function orUnknown<T>(promise: Promise<T>): Promise<T | Unknown> {
  try {
    return await promise
  } catch (error) {
    return { unavailable: error instanceof Error ? error.message : String(error) }
  }
}
