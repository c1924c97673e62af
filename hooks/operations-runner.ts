import type { Operations } from '../platforms/operations.ts'
import { type DueOperation, dueOperations } from '../rollout/due-operations.ts'
import { formatSpan } from '../rollout/duration.ts'
import type { OperationRecord } from '../rollout/journal.ts'
import type { Plan } from '../rollout/plan.ts'
import type { QueryValue } from '../rollout/steady.ts'
import { askOne } from './gates/query.ts'
import { pause } from './pause.ts'
import { LEFT, type Surroundings } from './surroundings.ts'
import type { World } from './world.ts'

/** Work in flight that is not done after this is left to the compensating command. */
export const DRAIN_MS = 30_000
const LOOK_EVERY_MS = 500

/** What the runner stands on. */
export interface RunnerParts {
  world: World
  around: Surroundings
  operations: Pick<Operations, 'recordOperation'>
  /** Asks Prometheus for one number; another source in tests. */
  ask?(query: string): Promise<QueryValue>
  onError(error: unknown): void
}

/** Runs the operations of the plan when they are due, in the background; a rollback waits for none. */
export class OperationsRunner {
  readonly #parts: RunnerParts
  readonly #stopped = new AbortController()
  /** What runs now, by lane. */
  readonly #running = new Map<string, Promise<void>>()
  constructor(parts: RunnerParts) {
    this.#parts = parts
  }

  /** Starts what is due. Returns at once; a lane that still works starts nothing more. */
  consider(): void {
    const { charge, journal, latch } = this.#parts.world
    if (!journal || this.#stopped.signal.aborted) return
    const state = { ...charge, journal, latch }
    for (const due of dueOperations(state, new Date().toISOString())) {
      if (this.#running.has(due.lane)) continue
      const work = this.#run(due, charge.plan)
        .catch(this.#parts.onError)
        .finally(() => this.#running.delete(due.lane))
      this.#running.set(due.lane, work)
    }
  }

  /**
   * Ends what runs, or leaves it where it goes on by itself; it stays recorded as running, and the
   * next start runs it again, or waits for it.
   */
  async stop(): Promise<void> {
    this.#stopped.abort(LEFT)
    await Promise.all(this.#running.values())
  }

  async #run(due: DueOperation, plan: Plan): Promise<void> {
    const { operations, around } = this.#parts
    const { planned, position, attempt } = due
    const { run, into, environment, timeoutMs, service } = planned
    const record = (result: OperationRecord['result'], reason: string) =>
      operations.recordOperation({
        operation: planned.name,
        position,
        attempt,
        result,
        reason,
        at: new Date().toISOString(),
      })
    await record('running', `runs ${run.join(' ')}`)
    const drained = planned.moment === 'on-rollback' ? await this.#drain(plan, service) : undefined
    if (this.#stopped.signal.aborted) return
    const result = await around.run({
      what: planned.name,
      run,
      into,
      plan,
      position,
      service,
      environment,
      timeoutMs,
      signal: this.#stopped.signal,
    })
    if (this.#stopped.signal.aborted) return
    const took = `${formatSpan(result.tookMs)}, ${result.reason}`
    await record(result.ok ? 'done' : 'failed', drained ? `${drained}; ${took}` : took)
  }

  /**
   * Waits until the work that a service had in flight on green is done, or for half a minute.
   * @returns how it ended; undefined where the plan does not say how to see it
   */
  async #drain(plan: Plan, service: string | undefined): Promise<string | undefined> {
    const state = service === undefined ? undefined : plan.services[service]?.state
    const query = state?.inFlight
    if (query === undefined) return undefined
    const { signal } = this.#stopped
    const { world, ask = (text: string) => askOne(world.prometheus, text, signal) } = this.#parts
    const enough = state?.drain ?? 0
    const started = performance.now()
    let last = 'nobody said how much is in flight'
    while (performance.now() - started < DRAIN_MS && !signal.aborted) {
      const answer = await ask(query)
      const waited = formatSpan(performance.now() - started)
      if ('problem' in answer) last = answer.problem
      else if (answer.value <= enough) return `drained to ${answer.value} in ${waited}`
      else last = `${answer.value} in flight still`
      await pause(LOOK_EVERY_MS, signal)
    }
    return `not drained in ${formatSpan(DRAIN_MS)}, ${last}`
  }
}
