import type { Operations } from '../platforms/operations.ts'
import { Refused } from '../platforms/platform.ts'
import type { OperationRecord } from '../rollout/journal.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import { anyGreen, describeChange, type ServiceWeights } from '../rollout/weights.ts'
import type { Surroundings } from './surroundings.ts'
import type { World } from './world.ts'

/** What taking an operation back stands on. */
export interface TakeDownParts {
  world: World
  around: Surroundings
  operations: Pick<Operations, 'trip' | 'recordOperation' | 'record'>
  readWeights(): Promise<ServiceWeights>
  onError(error: unknown): void
}

/** Takes operations back, the level of a rollback that changes a database: only asked for by name. */
export class TakeDown {
  readonly #parts: TakeDownParts
  readonly #running = new Map<string, AbortController>()
  constructor(parts: TakeDownParts) {
    this.#parts = parts
  }

  stop(): void {
    for (const running of this.#running.values()) running.abort()
  }

  /**
   * Starts the `down` of an operation. It is recorded as `<operation>.down`, and holds what comes
   * next: where nothing is latched yet, it latches first, so that the hook does not do again what
   * is being taken back.
   * @throws Refused where none is declared, where green has traffic, or while it runs already
   */
  async begin(name: string, by: string): Promise<void> {
    const { world, operations, readWeights } = this.#parts
    const started = performance.now()
    const { plan } = world.charge
    const down = plan.operations[name]?.down
    if (!down) {
      const known = Object.keys(plan.operations).filter((each) => plan.operations[each]?.down)
      throw new Refused(
        `operations.${name} has no down in the plan ${plan.name}, so it is not taken back; those that have: ${known.join(', ') || 'none'}`,
      )
    }
    const live = await readWeights()
    if (anyGreen(live)) {
      throw new Refused(
        `operations.${name} is taken back only with blue at 100, and live is ${describeChange(live, live)}; next: sluice rollback`,
      )
    }
    if (this.#running.has(name)) throw new Refused(`operations.${name} is being taken back already`)
    const running = new AbortController()
    this.#running.set(name, running)
    try {
      if (world.latch?.latched !== true) {
        await operations.trip({
          cause: 'rollback',
          value: `by ${by}`,
          threshold: 'a command',
          reason: `${by} takes back operations.${name}`,
        })
      }
      await this.#record(name, 'running', `${by} takes it back`)
    } catch (error) {
      this.#running.delete(name)
      throw error
    }
    void this.#run(name, down, by, started, running.signal)
      .catch(this.#parts.onError)
      .finally(() => this.#running.delete(name))
  }

  async #run(
    name: string,
    down: string[],
    by: string,
    started: number,
    signal: AbortSignal,
  ): Promise<void> {
    const { world, around, operations } = this.#parts
    const { plan } = world.charge
    const operation = plan.operations[name]
    const position = world.journal?.verified.position
    const result = await around.run({
      what: `${name}.down`,
      run: down,
      plan,
      position,
      environment: operation?.environment,
      timeoutMs: operation?.timeout ?? 600_000,
      signal,
    })
    if (signal.aborted) return
    const tookMs = Math.round(performance.now() - started)
    const limits = result.ok ? heldAgainst(plan, 'database', tookMs) : []
    const took = describeHeld(tookMs, limits)
    await this.#record(name, result.ok ? 'done' : 'failed', `${took}: ${result.reason}`)
    await operations.record({
      kind: 'operation',
      message: `operations.${name} ${result.ok ? 'is taken back' : 'COULD NOT BE TAKEN BACK'}, asked for by ${by}, in ${took}`,
      severity: result.ok ? 'warning' : 'critical',
      details: { operation: name, tookMs, limits },
    })
  }

  #record(name: string, result: OperationRecord['result'], reason: string): Promise<void> {
    const { journal } = this.#parts.world
    return this.#parts.operations.recordOperation({
      operation: `${name}.down`,
      position: journal?.verified.position ?? 'start',
      attempt: journal?.attempt ?? 1,
      result,
      reason,
      at: new Date().toISOString(),
    })
  }
}
