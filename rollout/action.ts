import type { Guardrail } from './plan.ts'
import type { Scope } from './positions.ts'

/** What a guardrail does when it trips, with every default filled in. */
export type Action =
  | { do: 'rollback'; scope: Scope; pace: Pace }
  | { do: 'hold' | 'notify' | 'investigate' }
  | { do: 'run'; command: string[]; againMs?: number }
  | { do: 'flag'; flag: string }

/** At once, or down through these weights with so much time, in ms of the plan's clock, at each. */
export type Pace = 'immediately' | { through: number[]; everyMs: number }

/** On the way down by default, as a migration that goes well went up. */
export const THROUGH = [75, 50, 25, 0]
export const EVERY_MS = 300_000

/** Reads the action of a guardrail. */
export function actionOf({ then }: Pick<Guardrail, 'then'>): Action {
  if (then === 'rollback') return { do: 'rollback', scope: 'service', pace: 'immediately' }
  if (typeof then === 'string') return { do: then }
  if ('run' in then) return { do: 'run', command: then.run, againMs: then.again }
  if ('flag' in then) return { do: 'flag', flag: then.flag }
  const pace: Pace =
    then.rollback === 'immediately'
      ? 'immediately'
      : { through: then.through ?? THROUGH, everyMs: then.every ?? EVERY_MS }
  return { do: 'rollback', scope: then.scope ?? 'service', pace }
}

/** How much a rollback takes back, and how fast. */
export interface Reach {
  scope: Scope
  pace: Pace
}

/** What a guardrail's rollback takes back; of one that does not roll back, its service at once. */
export function reachOf(guardrail: Pick<Guardrail, 'then'>): Reach {
  const action = actionOf(guardrail)
  if (action.do !== 'rollback') return { scope: 'service', pace: 'immediately' }
  return { scope: action.scope, pace: action.pace }
}

/** The word for an alarm's action. */
export type Then = Action['do']

/** True when the guardrail takes green back. */
export function rollsBack(guardrail: Pick<Guardrail, 'then'>): boolean {
  return actionOf(guardrail).do === 'rollback'
}

/** True when an active alarm of this action holds every rise. */
export function holdsRises(then: Then): boolean {
  return then === 'rollback' || then === 'hold' || then === 'investigate'
}
