/**
 * A mistake in a plan: what it is, the places of the right plan that are changed for it, and every
 * message that it gets.
 */
export type WrongPlan = [mistake: string, changes: Record<string, unknown>, messages: string[]]
