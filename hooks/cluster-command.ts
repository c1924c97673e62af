import { writeFileSync } from 'node:fs'
import { type GivenCommand, OUTCOME_FILE } from '../platforms/kubernetes/manifests/command.ts'
import { runCommand } from './command.ts'
import { outcomeText } from './command-outcome.ts'

// What runs in the Job of a command: the command itself, and then what came of it as the pod's last
// word, from where the hook reads it.
const text = process.env['SLUICE_COMMAND']
if (!text) {
  process.stderr.write('use: node command.mjs, with SLUICE_COMMAND\n')
  process.exit(2)
}
const { SLUICE_COMMAND: _given, ...environment } = process.env
const stopped = new AbortController()
process.once('SIGTERM', () => stopped.abort())
const result = await runCommand({
  ...(JSON.parse(text) as GivenCommand),
  environment,
  signal: stopped.signal,
  onOutput: (chunk) => process.stdout.write(chunk),
})
writeFileSync(OUTCOME_FILE, outcomeText(result))
process.exitCode = result.ok ? 0 : 1
