import type { Plan } from './plan.ts'

/** What one stack update asks for; all of it stands in the stack's config. */
export interface Request {
  plan: Plan
  planHash: string
  /** sluice:step, a position's name or number. */
  position: string
  /** sluice:attempt */
  attempt: number
  /** sluice:confirmed */
  confirmed: string[]
  /** sluice:clock: how many times faster than real the plan's waits pass. */
  clock: number
  /** sluice:environment, where the plan has environments. */
  environment?: string
}

/** The line of sluice:confirmed that answers for a position in an attempt. */
export function confirmationKey(position: string, attempt: number): string {
  return attempt > 1 ? `${position}#${attempt}` : position
}
