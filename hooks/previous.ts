import { dirname, join } from 'node:path'
import { FileStore } from '../platforms/local/file-store.ts'
import { type Layout, layoutOf } from '../platforms/local/layout.ts'
import { environmentBefore, rolloutOf } from '../rollout/environments.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Charge } from './world.ts'

/** The home of another environment of a plan: `<plan>-<environment>`, beside this one. */
export function homeOfEnvironment(
  layout: Layout,
  plan: { name: string },
  environment: string,
): string {
  return join(dirname(layout.home), rolloutOf(plan, environment))
}

/**
 * Reads, and only reads, the journal of the environment before this one.
 * @returns undefined where there is none before it
 */
export async function readPrevious(
  layout: Layout,
  { plan, environment }: Pick<Charge, 'plan' | 'environment'>,
): Promise<Observation['previous']> {
  const before = environmentBefore(plan, environment)
  if (before === undefined) return undefined
  const home = homeOfEnvironment(layout, plan, before)
  try {
    return (await new FileStore(layoutOf(home)).readJournal()) ?? 'missing'
  } catch (error) {
    return { unavailable: `${home}: ${error instanceof Error ? error.message : String(error)}` }
  }
}
