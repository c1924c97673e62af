import { Command, CommanderError } from 'commander'
import { Refused, Unavailable } from '../platforms/platform.ts'
import { PlanError } from '../rollout/parse-plan.ts'
import { advance } from './advance.ts'
import { backup } from './backup.ts'
import { doctor } from './doctor.ts'
import { NotDone, WrongUse } from './errors.ts'
import { flag } from './flag.ts'
import { plan } from './plan.ts'
import { report } from './report.ts'
import { resolve } from './resolve.ts'
import { restore } from './restore.ts'
import { retry } from './retry.ts'
import { rollback } from './rollback.ts'
import { run } from './run.ts'
import { status } from './status.ts'
import { teardown } from './teardown.ts'

// A verb is added by a file beside this one and a line here.
const VERBS = [
  plan,
  status,
  advance,
  run,
  rollback,
  retry,
  resolve,
  flag,
  backup,
  restore,
  report,
  doctor,
  teardown,
]

const program = new Command('sluice')
  .description(
    'Moves live traffic from blue to green, one line of config a step. Plain `pulumi up` does all of it; this command saves typing, waits, watches and explains.',
  )
  .version('0.1.0')
  .exitOverride()
  .configureHelp({ showGlobalOptions: false })
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 refused or rolled back, 2 wrong use.\nExample:\n  $ sluice status --watch',
  )
for (const declare of VERBS) declare(program)

/** Which exit code an error means; a refusal and a rollback are 1, wrong use is 2. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
  if (error instanceof WrongUse || error instanceof PlanError) return 2
  return 1
}

// A reader that has read enough (`| head -1`) is no reason to leave an emergency half done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

try {
  if (process.argv.length <= 2) program.help({ error: true })
  await program.parseAsync(process.argv)
} catch (error) {
  process.exitCode = exitCodeOf(error)
  const known = [WrongUse, NotDone, PlanError, Refused, Unavailable].some(
    (kind) => error instanceof kind,
  )
  // Commander has told its own already.
  if (!(error instanceof CommanderError)) {
    const { message, stack } = error as Error
    process.stderr.write(`${known || !process.env['SLUICE_DEBUG'] ? message : stack}\n`)
  }
}
