import { type Action, actionOf } from './action.ts'
import type { Judgement } from './judgement.ts'
import type { Guardrail } from './plan.ts'

/**
 * What the failure of a guardrail's gate calls for: what the guardrail says, except that lost rows
 * take green back whatever it says. An investigation of rows that are gone would only watch more go.
 *
 * @returns undefined where the gate did not fail: one that is inconclusive never trips
 */
export function actionOnFailure(
  guardrail: Pick<Guardrail, 'then'>,
  judgement: Judgement,
): Action | undefined {
  if (judgement.result !== 'failed') return undefined
  const action = actionOf(guardrail)
  if (action.do === 'rollback' || judgement.lost !== true) return action
  return { do: 'rollback', scope: 'service', pace: 'immediately' }
}
