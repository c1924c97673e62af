import type { SSMClient } from '@aws-sdk/client-ssm'
import { environmentBefore, rolloutOf } from '../../rollout/environments.ts'
import type { Observation } from '../../rollout/observation.ts'
import type { Plan } from '../../rollout/plan.ts'
import { messageOf } from '../operations/outcomes.ts'
import { SsmStore } from './store.ts'

/**
 * Reads, and only reads, the journal of the environment before this one: the rollout
 * `<plan>-<environment>` of the same account and region.
 * @returns undefined where there is none before it
 */
export async function readPrevious(
  ssm: SSMClient,
  plan: Plan,
  environment: string | undefined,
): Promise<Observation['previous']> {
  const before = environmentBefore(plan, environment)
  if (before === undefined) return undefined
  const rollout = rolloutOf(plan, before)
  try {
    return (await new SsmStore(ssm, rollout).readJournal()) ?? 'missing'
  } catch (error) {
    return { unavailable: `${rollout}: ${messageOf(error)}` }
  }
}
