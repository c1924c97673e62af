import type { Guardrail } from '../../rollout/plan.ts'
import type { Alarms } from '../alarms.ts'
import { checkIntervalMs } from '../checks.ts'
import type { GateParts } from './judge.ts'
import { judgeGuardrail, watchedNow } from './judge-guardrail.ts'

export interface ContinuousParts extends GateParts {
  alarms: Pick<Alarms, 'firing' | 'resolved'>
}

/**
 * The guardrails that are a gate: judged again and again while green has traffic. One that fails is
 * an alarm, and does what its guardrail says; lost rows always roll back. One that passes ends the
 * alarm, and so does the end of its traffic; one that is inconclusive changes nothing.
 */
export class ContinuousGates {
  readonly #parts: ContinuousParts
  /** When a guardrail first failed for a service, of those that fail. */
  readonly #since = new Map<string, string>()
  #timers: NodeJS.Timeout[] = []
  #running = new AbortController()
  constructor(parts: ContinuousParts) {
    this.#parts = parts
  }

  /** Starts those of the plan; those of a former one end. */
  start(): void {
    this.stop()
    const { plan, clock } = this.#parts.world.charge
    for (const key of this.#since.keys()) {
      const [name, service] = key.split(' ') as [string, string]
      if (plan.guardrails[name]?.gate === undefined) this.#over(name, service)
    }
    for (const [name, guardrail] of Object.entries(plan.guardrails)) {
      if (guardrail.gate === undefined) continue
      this.#repeat(name, guardrail, checkIntervalMs(guardrail.every, clock), this.#running.signal)
    }
  }

  stop(): void {
    this.#running.abort()
    this.#running = new AbortController()
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #repeat(name: string, guardrail: Guardrail, everyMs: number, stopped: AbortSignal): void {
    let judging = false
    const judge = async () => {
      if (judging) return
      judging = true
      await this.#judge(name, guardrail, stopped).finally(() => {
        judging = false
      })
    }
    const again = () => void judge().catch(() => {})
    this.#timers.push(setInterval(again, everyMs))
    again()
  }

  async #judge(name: string, guardrail: Guardrail, stopped: AbortSignal): Promise<void> {
    const { world, alarms } = this.#parts
    const { judged, unjudged } = watchedNow(world, guardrail)
    // What is not judged holds nothing: else no new attempt could ever begin.
    for (const service of unjudged) this.#over(name, service)
    if (judged.length === 0) return
    const outcome = await judgeGuardrail(this.#parts, name, guardrail, stopped)
    if (!outcome || stopped.aborted) return
    for (const { since: begun, ...alarm } of outcome.failed) {
      const key = `${name} ${alarm.service}`
      const since = this.#since.get(key) ?? begun
      this.#since.set(key, since)
      await alarms.firing({ ...alarm, since })
    }
    for (const service of outcome.passed) this.#over(name, service)
  }

  #over(guardrail: string, service: string): void {
    if (!this.#since.delete(`${guardrail} ${service}`)) return
    this.#parts.alarms.resolved({ guardrail, service })
  }
}
