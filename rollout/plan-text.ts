import { canonical } from './hash.ts'
import type { Plan } from './plan.ts'

/**
 * The plan as one property of a resource: the engine handles one text in no time, and hundreds of
 * fields, several times for each resource that has them, in the better part of a preview.
 */
export function planText(plan: Plan): string {
  return canonical(plan)
}

/** Reads the property back; a state of before has the fields themselves. */
export function planOf(property: unknown): Plan {
  return typeof property === 'string' ? JSON.parse(property) : (property as Plan)
}
