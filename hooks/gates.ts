import type { Operations, TripCause } from '../platforms/operations.ts'
import type { Journal, Verdict } from '../rollout/journal.ts'
import type { Judgement } from '../rollout/judgement.ts'
import type { Gate, Plan } from '../rollout/plan.ts'
import { findPosition, type Position, positionsOf, servicesInScope } from '../rollout/positions.ts'
import { fallingOrder } from '../rollout/services.ts'
import { verdictsOf } from '../rollout/verdicts.ts'
import { type GateParts, judgeGate } from './gates/judge.ts'
import { kindOf } from './gates/kinds.ts'
import type { World } from './world.ts'

/** A gate that has not passed is judged again after this. */
export const AGAIN_AFTER_MS = 10_000

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
  if (!position) return []
  if (journal.guardedMs * clock < position.bakeMs + position.settleMs) return []
  return position.gates.flatMap((name) => {
    const gate = plan.gates[name]
    if (!gate || gate.confirm !== undefined) return []
    const { attempt } = journal
    const occasion = { gate: name, position: position.name, attempt, planHash }
    const passed = verdictsOf(journal, occasion).some(({ result }) => result === 'passed')
    return passed ? [] : [{ name, gate, position }]
  })
}

/**
 * For which services a failed gate takes green back, one of each group that moves together: those it
 * failed for, else those of the step; none where it belongs to no step: then everything.
 */
export function takenBackBy(
  plan: Plan,
  position: Pick<Position, 'kind' | 'services'>,
  { services }: Pick<Judgement, 'services'>,
): (string | undefined)[] {
  const failed = services ?? (position.kind === 'step' ? position.services : undefined)
  if (!failed) return [undefined]
  const done = new Set<string>()
  return fallingOrder(plan).filter((service) => {
    if (!failed.includes(service) || done.has(service)) return false
    for (const other of servicesInScope(plan, 'service', service)) done.add(other)
    return true
  })
}

/** Why a failed gate takes green back, of one service or, without one, of everything. */
export function causeOfGate(
  { name, position }: DueGate,
  reason: string,
  service: string | undefined,
): TripCause {
  return {
    cause: name,
    value: reason,
    threshold: 'the gate passes',
    reason: `gate ${name} failed at ${position.name}: ${reason}`,
    ...(service === undefined ? { scope: 'plan' } : { service, scope: 'service' }),
    pace: 'immediately',
  }
}

export interface GatesParts extends GateParts {
  operations: Pick<Operations, 'recordVerdict' | 'trip'>
  /** False for a gate that is judged elsewhere; default all are judged here. */
  judges?(gate: Gate): boolean
}

/** Why a gate was not judged to its end, where that is to be recorded. */
class CutOff extends Error {}

/** Judges gates in the background, one at a time, and records their verdicts. */
export class Gates {
  readonly #parts: GatesParts
  readonly #world: World
  readonly #judgedAt = new Map<string, number>()
  #judging: { key: string; over: AbortController } | undefined
  #stopped = false
  #working = false
  constructor(parts: GatesParts) {
    this.#parts = parts
    this.#world = parts.world
  }

  /** Ends what is being judged: no load, no command and no question goes on. */
  stop(): void {
    this.#stopped = true
    this.#judging?.over.abort()
  }

  /** Ends what is being judged, and has it recorded as inconclusive; nothing more is begun. */
  cutOff(why: string): void {
    this.#stopped = true
    this.#judging?.over.abort(new CutOff(why))
  }

  /** Judges what is due. Returns at once while it still judges. */
  async consider(): Promise<void> {
    const { charge, journal, armed } = this.#world
    // What tripped, moved or was edited meanwhile makes what is being judged worthless.
    if (this.#judging && (!armed || this.#placeOf(journal) !== this.#judging.key)) {
      this.#judging.over.abort()
    }
    if (this.#working || this.#stopped || !armed || !journal) return
    this.#working = true
    try {
      for (const due of dueGates(charge.plan, charge.planHash, charge.clock, journal)) {
        if (this.#parts.judges?.(due.gate) === false) continue
        const key = `${due.name} ${this.#placeOf(journal)}`
        const last = this.#judgedAt.get(key)
        const now = performance.now()
        if (last !== undefined && now - last < AGAIN_AFTER_MS) continue
        this.#judgedAt.set(key, now)
        if (!(await this.#judge(due, journal))) return
        this.#judgedAt.set(key, performance.now())
      }
    } finally {
      this.#working = false
      this.#judging = undefined
    }
  }

  #placeOf(journal: Journal | undefined): string {
    const { planHash } = this.#world.charge
    const { position, at } = journal?.verified ?? {}
    return [position, at, journal?.attempt, planHash].join(' ')
  }

  /** @returns false where it was cut off */
  async #judge(due: DueGate, journal: Journal): Promise<boolean> {
    const { name, gate, position } = due
    const { operations } = this.#parts
    const { plan, planHash } = this.#world.charge
    const over = new AbortController()
    this.#judging = { key: this.#placeOf(journal), over }
    if (this.#stopped) return false
    const verdict = (result: Verdict['result'], reason: string): Verdict => ({
      gate: name,
      position: position.name,
      attempt: journal.attempt,
      planHash,
      result,
      reason,
      at: new Date().toISOString(),
    })
    const { running } = kindOf(gate) ?? {}
    if (running !== undefined) await operations.recordVerdict(verdict('running', running))
    const judgement = await judgeGate(this.#parts, gate, journal, position.weights, over.signal)
    if (over.signal.aborted) {
      const { reason } = over.signal
      if (reason instanceof CutOff) {
        await operations.recordVerdict(verdict('inconclusive', reason.message))
      }
      return false
    }
    const { result, reason } = judgement
    await operations.recordVerdict(verdict(result, reason))
    if (result !== 'failed' || gate.otherwise !== 'rollback') return true
    for (const service of takenBackBy(plan, position, judgement)) {
      if (!this.#hasTraffic(journal)) break
      await operations.trip(causeOfGate(due, reason, service))
    }
    return true
  }

  #hasTraffic(journal: Journal): boolean {
    return Object.keys(journal.weights).some((service) => this.#world.judges(service))
  }
}
