import { actionOnFailure } from '../../rollout/gate-failure.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { Guardrail } from '../../rollout/plan.ts'
import { fallingOrder } from '../../rollout/services.ts'
import type { World } from '../world.ts'
import { type GateParts, judgeGate } from './judge.ts'

/** An alarm is a line; the verdict of a gate may be a page. */
const LONGEST_VALUE = 500

/** The services that a guardrail's gate is asked about, by whether their green is judged now. */
export function watchedNow(
  world: Pick<World, 'charge' | 'judges'>,
  { services, gate }: Guardrail,
): { judged: string[]; unjudged: string[] } {
  const { plan } = world.charge
  const watched = services ?? plan.gates[gate as string]?.services ?? Object.keys(plan.services)
  return {
    judged: watched.filter((service) => world.judges(service)),
    unjudged: watched.filter((service) => !world.judges(service)),
  }
}

/** What came of judging a guardrail's gate once: neither list has what is inconclusive. */
export interface GuardrailOutcome {
  /** One for each service that it failed for, with what it calls for. */
  failed: Alarm[]
  passed: string[]
}

/**
 * Judges the gate of a guardrail once, of those of its services whose green has traffic.
 * @returns undefined where there is nothing to judge
 */
export async function judgeGuardrail(
  parts: GateParts,
  name: string,
  guardrail: Guardrail,
  stopped: AbortSignal,
): Promise<GuardrailOutcome | undefined> {
  const { world } = parts
  const { plan } = world.charge
  const gate = plan.gates[guardrail.gate as string]
  const { journal } = world
  const { judged } = watchedNow(world, guardrail)
  if (!gate || !journal || judged.length === 0) return undefined
  const asked = guardrail.services ? { ...gate, services: guardrail.services } : gate
  const judgement = await judgeGate(parts, asked, journal, world.weights, stopped)
  const action = actionOnFailure(guardrail, judgement)
  const failing = action ? fallingOrder(plan).filter(isAmong(judgement.services ?? judged)) : []
  const failed = failing.map((service) => ({
    guardrail: name,
    service,
    value: judgement.reason.slice(0, LONGEST_VALUE),
    threshold: `gate ${guardrail.gate} passes`,
    since: new Date().toISOString(),
    then: action?.do as Alarm['then'],
  }))
  const passed =
    judgement.result === 'inconclusive'
      ? []
      : judged.filter((service) => !failing.includes(service))
  return { failed, passed }
}

function isAmong(services: readonly string[]): (service: string) => boolean {
  return (service) => services.includes(service)
}
