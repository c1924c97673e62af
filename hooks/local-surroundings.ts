import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { FileStore, readEvents } from '../platforms/local/file-store.ts'
import { type Layout, layoutOf } from '../platforms/local/layout.ts'
import { urlOf } from '../rollout/services.ts'
import { commandEnvironment, runCommand } from './command.ts'
import { homeOfEnvironment } from './previous.ts'
import type { Surroundings } from './surroundings.ts'

const WHOLE_HISTORY = 100_000

/**
 * What is reached on this host: ports of loopback, processes, files.
 * @param cwd where commands start; default: where the hook runs, which is the project's folder
 */
export function localSurroundings(layout: Layout, cwd?: string): Surroundings {
  return {
    reach: async (plan, service, colour, path) => {
      const url = urlOf(plan, service, colour, path)
      return url === undefined ? [] : [{ url, headers: {} }]
    },
    run: ({ plan, position, service, environment, ...command }) =>
      runCommand({
        ...command,
        cwd,
        environment: commandEnvironment({ plan, layout, position, service }, environment),
      }),
    variable: async (plan, name) => commandEnvironment({ plan, layout })[name],
    readFile: (file) => readFile(resolve(file), 'utf8'),
    environment: async (plan, name) => {
      const home = homeOfEnvironment(layout, plan, name)
      if (home === layout.home) return 'here'
      if (!existsSync(home)) return { missing: `no home ${home}` }
      const other = layoutOf(home)
      // Its history may tell it although the latch was taken off, or lost.
      const latch = await new FileStore(other).readLatch().catch(() => undefined)
      return { latch, events: readEvents(other, WHOLE_HISTORY) }
    },
  }
}
