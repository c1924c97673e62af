import { isDisarmed, type Operations } from '../platforms/operations.ts'
import { actionOf } from '../rollout/action.ts'
import type { Alarm } from '../rollout/journal.ts'
import { guardrailNamed } from './alerts.ts'
import { causesOf } from './causes.ts'
import type { Surroundings } from './surroundings.ts'
import type { World } from './world.ts'

/** No command of a guardrail runs for longer. */
const LONGEST_RUN_MS = 600_000
/** A faster clock does not run a command again sooner than this. */
const LEAST_AGAIN_MS = 1_000

export interface ActionParts {
  world: World
  around: Surroundings
  operations: Pick<Operations, 'trip' | 'investigate' | 'setFlag' | 'record'>
}

/**
 * Does what the guardrail of an alarm says. A rollback is tried each time that the alarm is heard of;
 * an investigation is opened, a flag set and a command run once for each time that it begins.
 */
export class Actions {
  readonly #parts: ActionParts
  /** When the command of a guardrail and service began last, of the monotonic clock. */
  readonly #ranAt = new Map<string, number>()
  readonly #running = new Set<string>()
  readonly #stopped = new AbortController()
  constructor(parts: ActionParts) {
    this.#parts = parts
  }

  /**
   * @param begins true where the alarm was not active before
   * @returns when a rollback is done; a command is not waited for
   */
  async act(alarm: Alarm, begins: boolean): Promise<void> {
    const { world, operations } = this.#parts
    if (!world.journal || isDisarmed(world.journal)) return
    if (alarm.then === 'rollback') return this.#rollback(alarm)
    const guardrail = guardrailNamed(world.charge.plan, alarm.guardrail)
    const action = guardrail && actionOf(guardrail)
    // The alert of a warning asks for less than its guardrail.
    if (!action || action.do !== alarm.then) return
    const { guardrail: name, service, value, threshold, since } = alarm
    if (action.do === 'investigate' && begins) {
      const position = world.journal.verified.position
      const opened = { guardrail: name, service, value, threshold, position, openedAt: since }
      await operations.investigate(opened)
    }
    if (action.do === 'flag' && begins) {
      await operations.setFlag(action.flag, true, `${name} on ${service}: ${value}`)
    }
    if (action.do === 'run') this.#mayRun(alarm, action.command, action.againMs, begins)
  }

  /** Ends the commands that still run. */
  stop(): void {
    this.#stopped.abort()
  }

  async #rollback(alarm: Alarm): Promise<void> {
    const { world, operations } = this.#parts
    const causes = causesOf(world.charge.plan, alarm, (service) => world.judges(service))
    for (const cause of causes) await operations.trip(cause)
  }

  #mayRun(alarm: Alarm, command: string[], againMs: number | undefined, begins: boolean): void {
    const key = `${alarm.guardrail} ${alarm.service}`
    const before = this.#ranAt.get(key)
    const again =
      againMs !== undefined &&
      before !== undefined &&
      performance.now() - before >=
        Math.max(LEAST_AGAIN_MS, againMs / this.#parts.world.charge.clock)
    if ((!begins && !again) || this.#running.has(key) || this.#stopped.signal.aborted) return
    this.#ranAt.set(key, performance.now())
    this.#running.add(key)
    void this.#run(alarm, command).finally(() => this.#running.delete(key))
  }

  async #run({ guardrail, service, value, threshold }: Alarm, run: string[]): Promise<void> {
    const { world, around, operations } = this.#parts
    const { plan } = world.charge
    const { ok, code, output, reason, tookMs } = await around.run({
      what: `guardrail ${guardrail}`,
      run,
      plan,
      position: world.journal?.verified.position,
      service,
      environment: {
        SLUICE_GUARDRAIL: guardrail,
        SLUICE_VALUE: value,
        SLUICE_THRESHOLD: threshold,
      },
      timeoutMs: LONGEST_RUN_MS,
      signal: this.#stopped.signal,
    })
    await operations.record({
      kind: 'operation',
      message: `guardrail ${guardrail} ran ${run[0]} for ${service}: ${reason}`,
      severity: ok ? 'info' : 'warning',
      details: { guardrail, service, run, code, output, tookMs },
    })
  }
}
