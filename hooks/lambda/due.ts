import type { Gate } from '../../rollout/plan.ts'
import { verdictsOf } from '../../rollout/verdicts.ts'
import { checkIntervalMs } from '../checks.ts'
import { watchedNow } from '../gates/judge-guardrail.ts'
import { AGAIN_AFTER_MS, type DueGate, dueGates } from '../gates.ts'
import type { World } from '../world.ts'

/** What is to be judged now. */
export interface Due {
  gates: DueGate[]
  /** Names of guardrails that are a gate. */
  guardrails: string[]
}

/**
 * The gates of the position that have not passed, those that were judged a moment ago left out, and
 * the guardrails whose gate is to be judged again. Pure.
 * @param judgedAt when each guardrail was judged last, ISO 8601
 * @param tickMs how often the function looks: `every` is no shorter, whatever the clock is
 * @param slackMs by how much the next look may come sooner than it should
 */
export function dueNow(
  world: Pick<World, 'charge' | 'journal' | 'armed' | 'judges'>,
  judgedAt: Record<string, string>,
  now: Date,
  { tickMs, slackMs = 0 }: { tickMs: number; slackMs?: number },
): Due {
  const { charge, journal } = world
  const { plan, planHash, clock } = charge
  if (!journal || !world.armed) return { gates: [], guardrails: [] }
  const gates = dueGates(plan, planHash, clock, journal).filter(({ name, gate, position }) => {
    const { attempt } = journal
    const occasion = { gate: name, position: position.name, attempt, planHash }
    const last = verdictsOf(journal, occasion).findLast(({ result }) => result !== 'running')
    return isJudgedHere(gate) && isOlder(last?.at, AGAIN_AFTER_MS, now)
  })
  const guardrails = Object.entries(plan.guardrails).flatMap(([name, guardrail]) => {
    if (guardrail.gate === undefined || !isJudgedHere(plan.gates[guardrail.gate])) return []
    if (watchedNow(world, guardrail).judged.length === 0) return []
    const everyMs = Math.max(tickMs, checkIntervalMs(guardrail.every, clock)) - slackMs
    return isOlder(judgedAt[name], everyMs, now) ? [name] : []
  })
  return { gates, guardrails }
}

/** True for a gate that is judged in a call of the function; a command is not. */
export function isJudgedHere(gate: Gate | undefined): boolean {
  return gate !== undefined && gate.run === undefined
}

function isOlder(at: string | undefined, ms: number, now: Date): boolean {
  return at === undefined || now.getTime() - Date.parse(at) >= ms
}
