import { environmentBefore } from '../rollout/environments.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { messageOf } from './operations/outcomes.ts'
import type { Store } from './store.ts'

/** What another environment keeps, and where, in words for people. */
export interface Elsewhere {
  store: Pick<Store, 'readJournal'>
  place: string
}

/**
 * Reads, and only reads, the journal of the environment before this one.
 * @param keptBy where a platform has what an environment of the plan keeps
 * @returns undefined where there is none before it
 */
export async function readPrevious(
  plan: Plan,
  environment: string | undefined,
  keptBy: (before: string) => Elsewhere,
): Promise<Observation['previous']> {
  const before = environmentBefore(plan, environment)
  if (before === undefined) return undefined
  const { store, place } = keptBy(before)
  try {
    return (await store.readJournal()) ?? 'missing'
  } catch (error) {
    return { unavailable: `${place}: ${messageOf(error)}` }
  }
}
