import { readVariables } from '../../platforms/aws/secret.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { Notifier } from '../notify.ts'
import type { LambdaParts } from './hook.ts'

/**
 * Tells the channels of the plan what stands on the rollout's topic, where all news comes together:
 * the hook's own, and that of whoever moves the rollout. Their addresses are in the secret.
 * @throws Error where somebody could not be told: AWS tries it again, and then keeps the event
 */
export async function tellChannels(
  { clients, charge }: Pick<LambdaParts, 'clients' | 'charge'>,
  events: readonly RolloutEvent[],
  retriesAfterMs?: readonly number[],
): Promise<object> {
  const { plan } = charge
  const { secret } = plan.aws
  const variables = secret === undefined ? {} : await readVariables(clients, secret)
  const notifier = new Notifier(retriesAfterMs, (variable) => variables[variable])
  for (const event of events) notifier.tell(plan, event)
  await notifier.settled()
  const { failed, lastError } = notifier.status()
  if (failed > 0) throw new Error(`people could not be told: ${lastError}`)
  return { did: 'told' }
}
