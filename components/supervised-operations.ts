import type { Operation } from '../rollout/plan.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import type { StepRequest } from './traffic-step.ts'

/** The operations that run beside the rollout at the position asked for. */
export function supervisedOperations({
  plan,
  position,
}: Pick<StepRequest, 'plan' | 'position'>): [string, Operation][] {
  const positions = positionsOf(plan)
  const asked = findPosition(positions, position)?.index ?? 0
  return Object.entries(plan.operations).filter(([, { until }]) => {
    const end = positions.find(({ kind }) => kind === until)
    return end !== undefined && asked < end.index
  })
}
