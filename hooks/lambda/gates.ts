import { measureService } from '../../platforms/aws/measure.ts'
import { type Judgement, together } from '../../rollout/judgement.ts'
import { judgeSteady } from '../../rollout/steady.ts'
import { greenOf } from '../../rollout/weights.ts'
import { causeOfGate, dueGates, takenBackBy } from '../gates.ts'
import type { LambdaParts } from './hook.ts'

const BLUE_WINDOW_MS = 60_000

/** Judges the gates that are due: those of a metric, which is all that a plan on AWS may have. */
export async function judgeGates(parts: LambdaParts): Promise<void> {
  const { world, charge, operations, clients, layout, reference } = parts
  const { journal } = world
  if (!journal || !world.armed) return
  const { plan, planHash, clock } = charge
  for (const due of dueGates(plan, planHash, clock, journal)) {
    const { name, gate, position } = due
    if (gate.metric === undefined) continue
    const services = gate.services ?? Object.keys(plan.services)
    const judged = services.filter((service) => greenOf(position.weights, service) > 0)
    const judgement = together(
      await Promise.all(
        judged.map(async (service) => {
          const to = new Date()
          const from = new Date(to.getTime() - BLUE_WINDOW_MS)
          const blue = { service, colour: 'blue', from, to } as const
          const references = {
            baseline: journal.baselines[service],
            blue: await measureService(clients, layout, reference, blue),
            weight: greenOf(position.weights, service),
          }
          const green = journal.green[service]
          const judgement = judgeSteady(gate, green, references, plan.minimumRequests)
          return [service, judgement] as [string, Judgement]
        }),
      ),
    )
    const { result, reason } = judgement
    await operations.recordVerdict({
      ...{ gate: name, position: position.name, attempt: journal.attempt, planHash },
      ...{ result, reason, at: new Date().toISOString() },
    })
    if (result !== 'failed' || gate.otherwise !== 'rollback') continue
    for (const service of takenBackBy(plan, position, judgement)) {
      await operations.trip(causeOfGate(due, reason, service))
    }
  }
}
