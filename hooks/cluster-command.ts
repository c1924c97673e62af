import { writeFileSync } from 'node:fs'
import type { GivenCommand } from '../platforms/kubernetes/manifests/command.ts'
import { runCommand } from './command.ts'
import { outcomeText } from './command-outcome.ts'

// What runs in the Job of a command: the command itself, and then what came of it as the pod's last
// word, from where the hook reads it.
const { SLUICE_COMMAND: text, SLUICE_OUTCOME: outcome, ...environment } = process.env
if (!text || !outcome) {
  process.stderr.write('use: node command.mjs, with SLUICE_COMMAND and SLUICE_OUTCOME\n')
  process.exit(2)
}
const stopped = new AbortController()
process.once('SIGTERM', () => stopped.abort())
const result = await runCommand({
  ...(JSON.parse(text) as GivenCommand),
  environment,
  signal: stopped.signal,
  onOutput: (chunk) => process.stdout.write(chunk),
})
writeFileSync(outcome, outcomeText(result))
process.exitCode = result.ok ? 0 : 1
