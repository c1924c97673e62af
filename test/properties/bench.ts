import { Operations, type TripCause } from '../../platforms/operations.ts'
import { Refused } from '../../platforms/platform.ts'
import type { Router } from '../../platforms/router.ts'
import type { Alarm, Journal } from '../../rollout/journal.ts'
import type { Guard } from '../../rollout/observation.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, type Position, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { confirmationKey } from '../../rollout/request.ts'
import { allBlue, greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import { type Pause, WatchedRouter, WatchedStore } from './watched.ts'

/** A rollout in memory, with a clock that the test sets, and what an engine does with it. */
export class Bench {
  readonly plan: Plan
  readonly planHash: string
  readonly positions: Position[]
  readonly store: WatchedStore
  readonly router: WatchedRouter
  readonly operations: Operations
  now = Date.parse('2026-05-01T12:00:00.000Z')
  guard: Guard
  alarms: Alarm[] = []
  /** The attempt of the last update, as the engine's state has it. */
  last: number | undefined
  readonly #pause: Pause
  /** @param real what routes instead of the router in memory */
  constructor(
    { plan, planHash }: { plan: Plan; planHash: string },
    pause: Pause = async () => {},
    real?: Router,
  ) {
    this.#pause = pause
    this.plan = plan
    this.planHash = planHash
    this.positions = positionsOf(plan)
    this.store = new WatchedStore(pause)
    this.router = new WatchedRouter(allBlue(Object.keys(plan.services)), this.store, pause)
    this.guard = { alive: true, planHash }
    this.operations = new Operations({
      store: this.store,
      router: real ?? this.router,
      now: () => new Date(this.now),
      alarms: () => this.alarms,
      guard: () => this.guard,
      announce: () => {},
    })
  }

  get journal(): Journal {
    if (!this.store.journal) throw new Error('nothing is deployed yet')
    return this.store.journal
  }
  get standing(): Position {
    const name = this.journal.verified.position
    return findPosition(this.positions, name) ?? (this.positions[0] as Position)
  }

  request(position: string, attempt = this.store.latch?.attempt ?? 1): Request {
    const { plan, planHash } = this
    const confirmed = this.positions.map(({ name }) => confirmationKey(name, attempt))
    return { plan, planHash, position, attempt, confirmed, clock: 1 }
  }

  /** What `pulumi up` does: admission, the weights in any order, verification. */
  async update(request: Request, last = this.last, shuffle = 0): Promise<ServiceWeights> {
    await this.#pause()
    const { permitted } = await this.operations.admit(request, last)
    this.last = request.attempt
    const names = Object.keys(permitted)
    for (const [index] of names.entries()) {
      const service = names[(index + shuffle) % names.length] as string
      const weights = permitted[service]
      if (!weights) continue
      await this.#pause()
      await this.operations.setWeights(service, weights)
    }
    await this.#pause()
    return this.operations.verify(request)
  }

  /** The bake of where it stands is over, and well. */
  bake(): Promise<void> {
    const seen = Object.fromEntries(
      Object.keys(this.plan.services).map((name) => [name, { requests: 99, errors: 0 }]),
    )
    const { bakeMs, settleMs } = this.standing
    return this.operations.progress((journal) => ({
      ...journal,
      guardedMs: bakeMs + settleMs,
      green: seen,
      baselines: seen,
    }))
  }

  /** Each gate of where it stands is judged. */
  async judge(result: 'passed' | 'failed'): Promise<void> {
    const { gates, name: position } = this.standing
    for (const gate of gates) {
      if (this.plan.gates[gate]?.confirm !== undefined) continue
      await this.operations.recordVerdict({
        gate,
        position,
        attempt: this.journal.attempt,
        planHash: this.planHash,
        result,
        reason: '98% of 100%',
        at: new Date(this.now).toISOString(),
      })
    }
  }

  /** From nothing to a position, everything well on the way. */
  async stand(position: string): Promise<void> {
    for (const { name } of this.positions) {
      await this.update(this.request(name))
      await this.bake()
      await this.judge('passed')
      if (name === position) return
    }
  }

  green(service: string): number {
    return greenOf(this.router.weights, service)
  }
}

export const CAUSE: TripCause = {
  cause: 'errors',
  value: 'error rate 12%',
  threshold: '5%',
  reason: 'error rate 12% is above 5%',
}

/** What came of something that may be refused. */
export async function refusalOf(doing: Promise<unknown>): Promise<Refused | undefined> {
  try {
    await doing
    return undefined
  } catch (error) {
    if (error instanceof Refused) return error
    throw error
  }
}
