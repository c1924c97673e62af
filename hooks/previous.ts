import { dirname, join } from 'node:path'
import { FileStore } from '../platforms/local/file-store.ts'
import { type Layout, layoutOf } from '../platforms/local/layout.ts'
import { readPrevious } from '../platforms/previous.ts'
import { rolloutOf } from '../rollout/environments.ts'
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

/** The journal of the environment before this one, as {@link readPrevious} gives it. */
export function readPreviousHome(
  layout: Layout,
  { plan, environment }: Pick<Charge, 'plan' | 'environment'>,
): Promise<Observation['previous']> {
  return readPrevious(plan, environment, (before) => {
    const place = homeOfEnvironment(layout, plan, before)
    return { store: new FileStore(layoutOf(place)), place }
  })
}
