// Prints the environment as shell commands, for .envrc.

import { sluiceEnvironment } from './environment.ts'
import { isExecutable, pathDirectories } from './programs.ts'
import { shellExports } from './shell-quote.ts'

const additions = sluiceEnvironment()
process.stdout.write(shellExports(additions))
if (!pathDirectories(additions).some((directory) => isExecutable(`${directory}/pulumi`))) {
  process.stderr.write(
    'sluice: Pulumi is not set up here yet. Type: npm run setup, then . ./.envrc\n',
  )
}
