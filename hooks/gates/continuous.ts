import { actionOnFailure } from '../../rollout/gate-failure.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { Guardrail } from '../../rollout/plan.ts'
import { fallingOrder } from '../../rollout/services.ts'
import type { Alarms } from '../alarms.ts'
import { checkIntervalMs } from '../checks.ts'
import { type GateParts, judgeGate } from './judge.ts'

/** An alarm is a line; the verdict of a gate may be a page. */
const LONGEST_VALUE = 500

export interface ContinuousParts extends GateParts {
  alarms: Pick<Alarms, 'firing' | 'resolved'>
}

/**
 * The guardrails that are a gate: judged again and again while green has traffic. One that fails is
 * an alarm, and does what its guardrail says; lost rows always roll back. One that passes ends the
 * alarm; one that is inconclusive changes nothing.
 */
export class ContinuousGates {
  readonly #parts: ContinuousParts
  #timers: NodeJS.Timeout[] = []
  #running = new AbortController()
  constructor(parts: ContinuousParts) {
    this.#parts = parts
  }

  /** Starts those of the plan; those of a former one end. */
  start(): void {
    this.stop()
    const { plan, clock } = this.#parts.world.charge
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
    const { plan } = world.charge
    const gate = plan.gates[guardrail.gate as string]
    const { journal } = world
    const judged = (guardrail.services ?? gate?.services ?? Object.keys(plan.services)).filter(
      (service) => world.judges(service),
    )
    if (!gate || !journal || judged.length === 0) return
    const asked = guardrail.services ? { ...gate, services: guardrail.services } : gate
    const judgement = await judgeGate(this.#parts, asked, journal, world.weights, stopped)
    if (stopped.aborted) return
    const action = actionOnFailure(guardrail, judgement)
    const failed = action ? fallingOrder(plan).filter(isAmong(judgement.services ?? judged)) : []
    for (const service of failed) {
      await alarms.firing({
        guardrail: name,
        service,
        value: judgement.reason.slice(0, LONGEST_VALUE),
        threshold: `gate ${guardrail.gate} passes`,
        since: new Date().toISOString(),
        then: action?.do as Alarm['then'],
      })
    }
    if (judgement.result === 'inconclusive') return
    for (const service of judged.filter((one) => !failed.includes(one))) {
      alarms.resolved({ guardrail: name, service })
    }
  }
}

function isAmong(services: readonly string[]): (service: string) => boolean {
  return (service) => services.includes(service)
}
