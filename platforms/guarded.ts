import type { Admission } from '../rollout/admission.ts'
import { admit } from '../rollout/admission.ts'
import { flagStateOf, flagText } from '../rollout/flag-file.ts'
import type { BackupRecord, Measurement } from '../rollout/journal.ts'
import { nothingDeployed, type Observation } from '../rollout/observation.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import type { Request } from '../rollout/request.ts'
import { greenOf, rising, type ServiceWeights, type Weights } from '../rollout/weights.ts'
import { backupOf } from './backup-of.ts'
import { Away, type Guarded } from './hook-answer.ts'
import { messageOf } from './operations/outcomes.ts'
import { Operations } from './operations.ts'
import { causeOfCommand, rollBackFor, soFarOf, tookSince } from './person.ts'
import {
  type FlagReport,
  type Platform,
  Refused,
  type RollbackCommand,
  type RollbackReport,
  Unavailable,
} from './platform.ts'
import type { Router } from './router.ts'
import type { Store } from './store.ts'

const OBSERVE_MS = 2_000
const ROLLBACK_MS = 400

/** What differs between the platforms that have a hook that can be asked. */
export interface GuardedParts {
  store: Store
  router: Router
  /**
   * Asks the hook once.
   * @throws Away where there is no answer in time; Refused where it refuses; Unavailable
   */
  ask<T>(method: Method, path: string, options?: { body?: unknown; timeoutMs?: number }): Promise<T>
  /** What the hook is to guard; undefined before the first deployment. */
  guarded(): Promise<Guarded | undefined>
  /** Why nothing of this rollout stands; undefined where something does. */
  absent(): Promise<string | undefined>
  /** Takes a backup and verifies it, without recording it. */
  takeBackup(name: string, plan: Plan, progress: (message: string) => void): Promise<BackupRecord>
  backups(): Promise<BackupRecord[]>
  /** A person's rollback waits no longer than this for the hook before it goes past it; ms, default 400. */
  rollbackMs?: number
  /** Writes the flag file for as long as no hook does. */
  writeFlags(text: string): Promise<void>
}

export type Method = 'GET' | 'POST' | 'PUT'

/**
 * A platform with a hook, from outside. The hook does what is asked, so that there is one writer;
 * where it is away, reading goes past it, and so does everything that lowers green: a way back
 * never depends on a guard. Whatever would raise green is {@link Unavailable} then.
 */
export class GuardedPlatform implements Platform {
  readonly #parts: GuardedParts

  constructor(parts: GuardedParts) {
    this.#parts = parts
  }

  /** What the hook says beside the observation; see the route /v1/status. */
  status<T>(timeoutMs: number): Promise<T> {
    return this.#parts.ask('GET', '/v1/status', { timeoutMs })
  }

  /** The plan that the hook guards; undefined before the first deployment. */
  guarded(): Promise<Guarded | undefined> {
    return this.#parts.guarded()
  }

  async observe(): Promise<Observation> {
    const absent = await this.#parts.absent()
    if (absent !== undefined) return nothingDeployed(absent, new Date())
    try {
      return await this.#parts.ask('GET', '/v1/observation', { timeoutMs: OBSERVE_MS })
    } catch (error) {
      return this.#direct(messageOf(error)).observe()
    }
  }

  readWeights(): Promise<ServiceWeights> {
    return orUnavailable(this.#parts.router.read(), 'the router')
  }

  async admit(request: Request, lastAttempt?: number): Promise<Admission> {
    try {
      return await this.#parts.ask('POST', '/v1/admit', { body: { request, lastAttempt } })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      const direct = this.#direct(error.message)
      const planned = admit(request, await direct.observe(), 'apply', lastAttempt)
      const lowers = planned.direction === 'fall' && !planned.acknowledges
      if (!lowers || planned.refusals.length > 0) throw error
      return direct.admit(request, lastAttempt)
    }
  }

  async setWeights(service: string, weights: Weights): Promise<Weights> {
    try {
      const path = `/v1/weights/${encodeURIComponent(service)}`
      return await this.#parts.ask('PUT', path, { body: weights })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      const live = await this.readWeights()
      if (weights.green > greenOf(live, service)) throw error
      return this.#direct(error.message).setWeights(service, weights)
    }
  }

  async verify(request: Request): Promise<ServiceWeights> {
    try {
      return await this.#parts.ask('POST', '/v1/verify', { body: { request } })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      const target = findPosition(positionsOf(request.plan), request.position)
      const verified = (await this.#parts.store.readJournal())?.weights
      const lowered = target && verified && rising(verified, target.weights).length === 0
      if (!lowered) throw error
      return this.#direct(error.message).verify(request)
    }
  }

  async rollback(command: RollbackCommand): Promise<RollbackReport> {
    const started = performance.now()
    const answered = await this.#parts
      .ask<RollbackReport>('POST', '/v1/rollback', {
        body: command,
        timeoutMs: this.#parts.rollbackMs ?? ROLLBACK_MS,
      })
      .catch((error: Error) => error)
    if (answered instanceof Refused) throw answered
    // The hook's word is not enough: the latch itself must say so.
    const latched = await this.#isLatched()
    if (!(answered instanceof Error) && latched) {
      return this.#measured(command, answered, started)
    }
    const reason = answered instanceof Error ? answered.message : 'it left no latch'
    return this.#rollbackDirectly(command, reason, started)
  }

  /** What a person waited for, from the command to the answer, and what the plan promises for it. */
  async #measured(
    command: RollbackCommand,
    report: RollbackReport,
    started: number,
  ): Promise<RollbackReport> {
    const tookMs = Math.round(tookSince(command, started))
    const plan = await this.#plan()
    // What was done stands, whether the plan can be read again or not.
    if (!plan) return { ...report, tookMs }
    const cause = causeOfCommand(plan, command)
    const soFar = await soFarOf(this.#direct('-'), command, cause, report, tookMs)
    return { ...report, tookMs, ...soFar }
  }

  /** The plan that is guarded, as far as it can be read: an emergency does not depend on it. */
  async #plan(): Promise<Plan | undefined> {
    try {
      return (await this.#parts.guarded())?.plan
    } catch {
      return undefined
    }
  }

  async #rollbackDirectly(
    command: RollbackCommand,
    why: string,
    started: number,
  ): Promise<RollbackReport> {
    let report: RollbackReport
    const plan = await this.#plan()
    try {
      report = await rollBackFor(this.#direct(why), plan, command, 'direct', started)
    } catch (error) {
      if (error instanceof Refused) throw error
      const latched = await this.#isLatched()
      // A router that is away comes back with what stands in its file.
      if (latched) await this.#lowerFile()
      const state = latched ? 'the latch is written, so green cannot rise' : ''
      throw new Unavailable(
        [`the rollback is not complete: ${messageOf(error)}`, state, why]
          .filter((part) => part !== '')
          .join('; '),
      )
    }
    await this.#writeFlags(plan, report.weights)
    return this.#measured(command, { ...report, latched: await this.#isLatched() }, started)
  }

  /** Without a hook nobody else takes the flags off that went on with green. */
  async #writeFlags(plan: Plan | undefined, weights: ServiceWeights): Promise<void> {
    if (!plan) return
    try {
      const [latch, journal] = [
        await this.#parts.store.readLatch(),
        await this.#parts.store.readJournal(),
      ]
      await this.#parts.writeFlags(flagText(flagStateOf(plan, weights, latch, journal)))
    } catch (error) {
      throw new Unavailable(
        `green is at its landing, but the flags could not be written: ${messageOf(error)}`,
      )
    }
  }

  setFlag(flag: string, on: boolean, by: string): Promise<FlagReport> {
    const path = `/v1/flags/${encodeURIComponent(flag)}`
    return this.#parts.ask('PUT', path, { body: { on, by } })
  }

  async resolve(guardrail: string, by: string): Promise<number> {
    const body = { guardrail, by }
    const { closed } = await this.#parts.ask<{ closed: number }>('POST', '/v1/resolve', { body })
    return closed
  }

  async takeDown(operation: string, by: string): Promise<void> {
    await this.#parts.ask('POST', '/v1/take-down', { body: { operation, by } })
  }

  async #lowerFile(): Promise<void> {
    const ceiling = (await this.#parts.store.readLatch())?.ceiling
    if (ceiling) await this.#parts.router.write(ceiling).catch(() => {})
  }

  async adopt(): Promise<ServiceWeights> {
    try {
      return await this.#parts.ask('POST', '/v1/adopt')
    } catch (error) {
      const guarded = await this.#parts.guarded()
      if (!(error instanceof Away) || !guarded) throw error
      const { plan, planHash } = guarded
      return orUnavailable(this.#direct(error.message).adopt(plan, planHash), 'the platform')
    }
  }

  measure(service: string, colour: ColourName, windowMs: number): Promise<Measurement> {
    const path = `/v1/measure/${encodeURIComponent(service)}/${colour}?windowMs=${windowMs}`
    return this.#parts.ask('GET', path)
  }

  async backup(
    name: string,
    plan: Plan,
    progress: (message: string) => void,
  ): Promise<BackupRecord> {
    backupOf(plan, name)
    const record = await this.#parts.takeBackup(name, plan, progress)
    try {
      await this.#parts.ask('POST', '/v1/backups', { body: record })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      await this.#direct(error.message).recordBackup(record)
      progress(`backup ${name}: recorded without the hook, ${error.message}`)
    }
    return record
  }

  backups(): Promise<BackupRecord[]> {
    return this.#parts.backups()
  }

  async #isLatched(): Promise<boolean> {
    const latch = await this.#parts.store.readLatch().catch(() => undefined)
    return latch?.latched ?? false
  }

  /** The same operations over the same files and router, for as long as the hook is away. */
  #direct(reason: string): Operations {
    return new Operations({
      store: this.#parts.store,
      router: this.#parts.router,
      now: () => new Date(),
      alarms: () => ({ unavailable: reason }),
      guard: () => ({ alive: false, reason }),
      // Nobody is there to notify; the history has it, and the hook sends it on when it is back.
      announce: () => {},
    })
  }
}

async function orUnavailable<T>(promise: Promise<T>, what: string): Promise<T> {
  try {
    return await promise
  } catch (error) {
    if (error instanceof Refused || error instanceof Unavailable) throw error
    throw new Unavailable(`${what} could not be reached: ${messageOf(error)}; next: sluice doctor`)
  }
}
