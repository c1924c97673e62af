import { formatDuration } from '../rollout/duration.ts'
import type { Plan } from '../rollout/plan.ts'
import type { Alarms } from './alarms.ts'
import { askOnce, checkIntervalMs } from './checks.ts'
import type { Surroundings } from './surroundings.ts'
import type { World } from './world.ts'

/** What takes longer to say that it is well is not. */
const LONGEST_CHECK_MS = 10_000

/** The alarm of a system that is checked and never moved. */
export function externalAlarm(name: string): string {
  return `external.${name}`
}

/** Checks the systems outside; one that is ill is an alarm that holds every rise, from its first failure. */
export class Externals {
  readonly #world: World
  readonly #around: Surroundings
  readonly #alarms: Alarms
  #timers: NodeJS.Timeout[] = []
  #running = new AbortController()
  constructor(world: World, around: Surroundings, alarms: Alarms) {
    this.#world = world
    this.#around = around
    this.#alarms = alarms
  }

  /** Starts the checks of the plan; those of a former one end. */
  start(): void {
    this.stop()
    const { plan, clock } = this.#world.charge
    for (const [name, external] of Object.entries(plan.external)) {
      this.#repeat(name, external, checkIntervalMs(undefined, clock), this.#running.signal)
    }
  }

  stop(): void {
    this.#running.abort()
    this.#running = new AbortController()
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #repeat(
    name: string,
    external: Plan['external'][string],
    everyMs: number,
    stopped: AbortSignal,
  ): void {
    const guardrail = externalAlarm(name)
    let since: string | undefined
    let asking = false
    const ask = async () => {
      if (asking) return
      asking = true
      const at = new Date().toISOString()
      const failure = await this.#failureOf(name, external, everyMs, stopped)
      asking = false
      if (stopped.aborted) return
      if (failure === undefined) {
        since = undefined
        this.#alarms.resolved({ guardrail, service: name })
        return
      }
      since ??= at
      const said = { value: failure, threshold: 'well', since }
      await this.#alarms.firing({ guardrail, service: name, ...said, then: 'hold' })
    }
    this.#timers.push(setInterval(ask, everyMs))
    void ask()
  }

  async #failureOf(
    name: string,
    { check, url }: Plan['external'][string],
    everyMs: number,
    signal: AbortSignal,
  ): Promise<string | undefined> {
    if (url !== undefined) {
      const failure = await askOnce({ url, everyMs }, signal)
      if (failure !== undefined || check === undefined) return failure
    }
    if (check === undefined) return undefined
    const { charge, journal } = this.#world
    const { ok, reason } = await this.#around.run({
      what: `external ${name}`,
      run: check,
      plan: charge.plan,
      position: journal?.verified.position,
      timeoutMs: LONGEST_CHECK_MS,
      signal,
    })
    return ok
      ? undefined
      : reason.slice(0, 300) || `no answer in ${formatDuration(LONGEST_CHECK_MS)}`
  }
}
