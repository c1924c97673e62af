import type { Operations, TripCause } from '../platforms/operations.ts'
import type { Journal, Verdict } from '../rollout/journal.ts'
import { type Judgement, judgeParity } from '../rollout/parity.ts'
import type { Gate, Plan } from '../rollout/plan.ts'
import { findPosition, type Position, positionsOf } from '../rollout/positions.ts'
import { judgeSteady } from '../rollout/steady.ts'
import { greenOf } from '../rollout/weights.ts'
import type { Metrics } from './metrics.ts'
import { replay } from './replay.ts'
import type { World } from './world.ts'

/** A gate that has not passed is judged again after this. */
export const AGAIN_AFTER_MS = 10_000
const BLUE_WINDOW_MS = 60_000

/** A gate that is to be judged now. */
export interface DueGate {
  name: string
  gate: Gate
  position: Position
}

/**
 * The gates of the verified position that are to be judged: those at the end of its bake that no
 * person answers and that have not passed. A position that is being left, and a rollout that is
 * released, have none.
 * @param clock how many times faster than real the bake passes
 */
export function dueGates(plan: Plan, planHash: string, clock: number, journal: Journal): DueGate[] {
  if (journal.planHash !== planHash || journal.intent) return []
  const position = findPosition(positionsOf(plan), journal.verified.position)
  if (!position || journal.guardedMs * clock < position.bakeMs) return []
  return position.gates.flatMap((name) => {
    const gate = plan.gates[name]
    if (!gate || gate.confirm !== undefined) return []
    const passed = journal.verdicts.some(
      (verdict) =>
        verdict.gate === name &&
        verdict.position === position.name &&
        verdict.attempt === journal.attempt &&
        verdict.planHash === planHash &&
        verdict.result === 'passed',
    )
    return passed ? [] : [{ name, gate, position }]
  })
}

/** Several services' verdicts on one gate: one failure fails it, and all must pass. */
export function together(judgements: [service: string, judgement: Judgement][]): Judgement {
  const results = judgements.map(([, { result }]) => result)
  const result = results.includes('failed')
    ? 'failed'
    : results.length === 0 || results.includes('inconclusive')
      ? 'inconclusive'
      : 'passed'
  const reasons = judgements.map(([service, { reason }]) =>
    judgements.length === 1 ? reason : `${service}: ${reason}`,
  )
  return { result, reason: reasons.join('; ') || 'no service has traffic on green' }
}

/** Judges gates in the background, one at a time, and records their verdicts. */
export class Gates {
  readonly #world: World
  readonly #metrics: Metrics
  readonly #operations: Operations
  readonly #trip: (cause: TripCause) => void
  readonly #stopped = new AbortController()
  readonly #judgedAt = new Map<string, number>()
  #working = false
  constructor(
    world: World,
    metrics: Metrics,
    operations: Operations,
    trip: (cause: TripCause) => void,
  ) {
    this.#world = world
    this.#metrics = metrics
    this.#operations = operations
    this.#trip = trip
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Judges what is due. Returns at once while it still judges. */
  async consider(): Promise<void> {
    const { charge, journal, armed } = this.#world
    if (this.#working || !armed || !journal) return
    this.#working = true
    try {
      for (const due of dueGates(charge.plan, charge.planHash, charge.clock, journal)) {
        const key = [due.name, due.position.name, journal.attempt, charge.planHash].join(' ')
        const last = this.#judgedAt.get(key)
        const now = performance.now()
        if (last !== undefined && now - last < AGAIN_AFTER_MS) continue
        this.#judgedAt.set(key, now)
        await this.#judge(due, journal)
        this.#judgedAt.set(key, performance.now())
      }
    } finally {
      this.#working = false
    }
  }

  async #judge({ name, gate, position }: DueGate, journal: Journal): Promise<void> {
    const { planHash } = this.#world.charge
    const verdict = (result: Verdict['result'], reason: string): Verdict => ({
      gate: name,
      position: position.name,
      attempt: journal.attempt,
      planHash,
      result,
      reason,
      at: new Date().toISOString(),
    })
    if (gate.replay !== undefined) {
      await this.#operations.recordVerdict(verdict('running', 'replays its requests'))
    }
    const { result, reason } = await this.#judgement(gate, position, journal)
    if (this.#stopped.signal.aborted) return
    await this.#operations.recordVerdict(verdict(result, reason))
    const hasTraffic = Object.keys(journal.weights).some((service) => this.#world.judges(service))
    if (result !== 'failed' || gate.otherwise !== 'rollback' || !hasTraffic) return
    this.#trip({
      cause: name,
      value: reason,
      threshold: 'the gate passes',
      reason: `gate ${name} failed at ${position.name}: ${reason}`,
    })
  }

  async #judgement(gate: Gate, position: Position, journal: Journal): Promise<Judgement> {
    const { plan } = this.#world.charge
    if (gate.replay !== undefined) {
      try {
        const results = await replay(plan, gate.replay, gate.ignore, this.#stopped.signal)
        return judgeParity(results, gate.identical)
      } catch (error) {
        return { result: 'inconclusive', reason: (error as Error).message }
      }
    }
    const services = Object.keys(plan.services).filter(
      (service) => greenOf(position.weights, service) > 0,
    )
    const green = this.#metrics.bake()
    return together(
      services.map((service) => [
        service,
        judgeSteady(
          gate,
          green[service],
          {
            baseline: journal.baselines[service],
            blue: this.#metrics.measure(service, 'blue', BLUE_WINDOW_MS),
          },
          plan.minimumRequests,
        ),
      ]),
    )
  }
}
