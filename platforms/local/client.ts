import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Admission } from '../../rollout/admission.ts'
import { admit } from '../../rollout/admission.ts'
import { flagFile } from '../../rollout/flag-file.ts'
import type { BackupRecord, Measurement } from '../../rollout/journal.ts'
import { type Held, heldAgainst, scopesOf } from '../../rollout/limits.ts'
import type { Observation } from '../../rollout/observation.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { greenOf, rising, type ServiceWeights, type Weights } from '../../rollout/weights.ts'
import { Operations } from '../operations.ts'
import { rollBackFor } from '../person.ts'
import {
  type FlagReport,
  type Platform,
  Refused,
  type RollbackCommand,
  type RollbackReport,
  Unavailable,
} from '../platform.ts'
import { listBackups, takeBackup } from './backups.ts'
import { writeDurably } from './durable-file.ts'
import { FileStore } from './file-store.ts'
import { Away, HookApi, readGuarded } from './hook-api.ts'
import { databaseEnvironment, type Layout } from './layout.ts'
import { HaproxyRouter } from './router.ts'

const OBSERVE_MS = 2_000
/** A person's rollback waits no longer than this for the hook before it goes past it. */
const ROLLBACK_MS = 400

/**
 * The local platform from outside. The hook does what is asked, so that there is one writer; where
 * it is away, reading goes past it, and so does everything that lowers green: a way back never
 * depends on a guard. Whatever would raise green is {@link Unavailable} then.
 */
export class LocalPlatform implements Platform {
  readonly #layout: Layout
  readonly #hook: HookApi
  readonly #store: FileStore
  readonly #router: HaproxyRouter

  constructor(layout: Layout) {
    this.#layout = layout
    this.#hook = new HookApi(layout)
    this.#store = new FileStore(layout)
    this.#router = new HaproxyRouter(layout)
  }

  async observe(): Promise<Observation> {
    if (!isDeployed(this.#layout)) return nothing(this.#layout)
    try {
      return await this.#hook.ask('GET', '/v1/observation', { timeoutMs: OBSERVE_MS })
    } catch (error) {
      return this.#direct(messageOf(error)).observe()
    }
  }

  readWeights(): Promise<ServiceWeights> {
    return orUnavailable(this.#router.read(), 'the router')
  }

  async admit(request: Request, lastAttempt?: number): Promise<Admission> {
    try {
      return await this.#hook.ask('POST', '/v1/admit', { body: { request, lastAttempt } })
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
      return await this.#hook.ask('PUT', path, { body: weights })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      const live = await this.readWeights()
      if (weights.green > greenOf(live, service)) throw error
      return this.#direct(error.message).setWeights(service, weights)
    }
  }

  async verify(request: Request): Promise<ServiceWeights> {
    try {
      return await this.#hook.ask('POST', '/v1/verify', { body: { request } })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      const target = findPosition(positionsOf(request.plan), request.position)
      const verified = (await this.#store.readJournal())?.weights
      const lowered = target && verified && rising(verified, target.weights).length === 0
      if (!lowered) throw error
      return this.#direct(error.message).verify(request)
    }
  }

  async rollback(command: RollbackCommand): Promise<RollbackReport> {
    const started = performance.now()
    const answered = await this.#hook
      .ask<RollbackReport>('POST', '/v1/rollback', { body: command, timeoutMs: ROLLBACK_MS })
      .catch((error: Error) => error)
    if (answered instanceof Refused) throw answered
    // The hook's word is not enough: the latch itself must say so.
    const latched = await this.#isLatched()
    if (!(answered instanceof Error) && latched) {
      return { ...answered, ...this.#measured(command, started) }
    }
    const reason = answered instanceof Error ? answered.message : 'it left no latch'
    return this.#rollbackDirectly(command, reason, started)
  }

  /** What a person waited for, from the command to the answer, and what the plan promises for it. */
  #measured(
    { service, phase, progressively }: RollbackCommand,
    started: number,
  ): { tookMs: number; limits: Held[] } {
    const tookMs = Math.round(performance.now() - started)
    const plan = this.#plan()
    const scopes = phase === undefined ? scopesOf({ service }, plan) : (['phase'] as const)
    return { tookMs, limits: progressively ? [] : heldAgainst(plan, scopes, tookMs) }
  }

  /** The plan that is guarded, as far as it can be read: an emergency does not depend on it. */
  #plan(): Plan | undefined {
    try {
      return readGuarded(this.#layout)?.plan
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
    const plan = this.#plan()
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
    return { ...report, latched: await this.#isLatched(), ...this.#measured(command, started) }
  }

  /** Without a hook nobody else takes the flags off that went on with green. */
  async #writeFlags(plan: Plan | undefined, weights: ServiceWeights): Promise<void> {
    if (!plan) return
    try {
      const [latch, journal] = [await this.#store.readLatch(), await this.#store.readJournal()]
      const file = flagFile({ plan, weights, latch, set: journal?.flags })
      writeDurably(this.#layout.flags, `${JSON.stringify(file, null, 2)}\n`)
    } catch (error) {
      throw new Unavailable(
        `green is at its landing, but the flags could not be written: ${messageOf(error)}`,
      )
    }
  }

  setFlag(flag: string, on: boolean, by: string): Promise<FlagReport> {
    const path = `/v1/flags/${encodeURIComponent(flag)}`
    return this.#hook.ask('PUT', path, { body: { on, by } })
  }

  async resolve(guardrail: string, by: string): Promise<number> {
    const body = { guardrail, by }
    const { closed } = await this.#hook.ask<{ closed: number }>('POST', '/v1/resolve', { body })
    return closed
  }

  async takeDown(operation: string, by: string): Promise<void> {
    await this.#hook.ask('POST', '/v1/take-down', { body: { operation, by } })
  }

  async #lowerFile(): Promise<void> {
    const ceiling = (await this.#store.readLatch())?.ceiling
    if (ceiling) await this.#router.write(ceiling).catch(() => {})
  }

  async adopt(): Promise<ServiceWeights> {
    try {
      return await this.#hook.ask('POST', '/v1/adopt')
    } catch (error) {
      const guarded = readGuarded(this.#layout)
      if (!(error instanceof Away) || !guarded) throw error
      const { plan, planHash } = guarded
      return orUnavailable(this.#direct(error.message).adopt(plan, planHash), 'the platform')
    }
  }

  measure(service: string, colour: ColourName, windowMs: number): Promise<Measurement> {
    const path = `/v1/measure/${encodeURIComponent(service)}/${colour}?windowMs=${windowMs}`
    return this.#hook.ask('GET', path)
  }

  async backup(
    name: string,
    plan: Plan,
    progress: (message: string) => void,
  ): Promise<BackupRecord> {
    const backup = plan.backups[name]
    if (!backup) {
      const known = Object.keys(plan.backups).join(', ') || 'none'
      throw new Refused(`backups.${name} is not in the plan ${plan.name}; it has ${known}`)
    }
    const environment = { ...process.env, ...databaseEnvironment(plan, this.#layout) }
    const record = await takeBackup(this.#layout, name, backup, environment, progress)
    try {
      await this.#hook.ask('POST', '/v1/backups', { body: record })
    } catch (error) {
      if (!(error instanceof Away)) throw error
      await this.#direct(error.message).recordBackup(record)
      progress(`backup ${name}: recorded without the hook, ${error.message}`)
    }
    return record
  }

  backups(): Promise<BackupRecord[]> {
    return listBackups(this.#layout)
  }

  async #isLatched(): Promise<boolean> {
    const latch = await this.#store.readLatch().catch(() => undefined)
    return latch?.latched ?? false
  }

  /** The same operations over the same files and router, for as long as the hook is away. */
  #direct(reason: string): Operations {
    return new Operations({
      store: this.#store,
      router: this.#router,
      now: () => new Date(),
      alarms: () => ({ unavailable: reason }),
      guard: () => ({ alive: false, reason }),
      // Nobody is there to notify; the history has it, and the hook sends it on when it is back.
      announce: () => {},
    })
  }
}

/** True where anything of this rollout stands; databases and backups outlive it and do not count. */
function isDeployed(layout: Layout): boolean {
  return existsSync(layout.services) || existsSync(dirname(layout.hook.plan))
}

function nothing({ home }: Layout): Observation {
  const unavailable = `nothing is deployed in ${home}`
  return {
    at: new Date().toISOString(),
    deployed: false,
    live: { unavailable },
    journal: 'missing',
    latch: 'missing',
    guard: { alive: false, reason: unavailable },
    alarms: { unavailable },
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

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
