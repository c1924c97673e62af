import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Command } from 'commander'
import { deleteHome } from '../platforms/local/home.ts'
import { stopAll } from '../platforms/local/supervisor.ts'
import { NotDone, WrongUse } from './errors.ts'
import { runPulumi } from './pulumi.ts'
import { findStack, type StackOptions } from './stack.ts'
import { tearDownFromHere } from './teardown-elsewhere.ts'
import { say, verb } from './verb.ts'

/** `sluice teardown`: for tests and rehearsals; `pulumi destroy` alone refuses what has traffic. */
export function teardown(program: Command): void {
  verb(
    program,
    'teardown <stack>',
    'takes the whole rollout off its platform, traffic and all; its databases and backups stay',
    'sluice teardown rehearsal\nsluice teardown rehearsal --delete-data rehearsal',
  )
    .option('--delete-data <stack>', 'databases and backups too; type the name once more')
    .option('--without-pulumi', 'only stops and deletes; the state is left as it is')
    .action(
      async (
        name: string,
        options: StackOptions & { deleteData?: string; withoutPulumi?: boolean },
      ) => {
        const stack = findStack({ ...options, stack: options.stack ?? name }, 'withoutPulumi')
        if (name !== stack.name) {
          throw new WrongUse(
            `"${name}" was typed, but the stack is ${stack.name}; type: sluice teardown ${stack.name}`,
          )
        }
        if (options.deleteData !== undefined && options.deleteData !== stack.name) {
          throw new WrongUse(
            `--delete-data: "${options.deleteData}" was typed, but the stack is ${stack.name}`,
          )
        }
        const { platform } = stack.settings
        if (platform.kind === 'kubernetes') {
          const { tearDownInCluster } = await import('./teardown-cluster.ts')
          return tearDownInCluster(stack, platform, {
            withData: options.deleteData !== undefined,
            withoutPulumi: options.withoutPulumi ?? false,
          })
        }
        if (platform.kind !== 'local') return tearDownFromHere(stack, options)
        const home = stack.layout.home
        // What is deleted is known to the provider by the name of its home.
        const key = basename(home)
        const withData = options.deleteData !== undefined
        const environment = {
          SLUICE_TEARDOWN: key,
          ...(withData ? { SLUICE_DELETE_DATA: key } : {}),
        }
        if (!options.withoutPulumi) {
          const code = await runPulumi(stack, ['destroy', '--yes'], environment)
          if (code !== 0) say(`pulumi destroy ended with ${code}; stopping ${home} without it`)
        }
        if (existsSync(home)) {
          await stopAll(stack.layout)
          await deleteHome(stack.layout, { withData })
        }
        if (withData && existsSync(home)) throw new NotDone(`${home} still stands`)
        say(
          withData || !existsSync(home)
            ? `nothing of ${stack.name} is left on this host`
            : `stopped; databases and backups stand in ${home}`,
          `the stack itself stands in Pulumi's state; to forget it: pulumi stack rm ${stack.name}`,
        )
      },
    )
}
