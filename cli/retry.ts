import type { Command } from 'commander'
import { describeTrip } from '../rollout/admission.ts'
import { editConfigFile } from './config-file.ts'
import { NotDone } from './errors.ts'
import { latchOf } from './outlook.ts'
import { runPulumi } from './pulumi.ts'
import { openStack, type StackOptions } from './stack.ts'
import { say, verb } from './verb.ts'

/** `sluice retry`: acknowledges a rollback and starts the next attempt at its landing. */
export function retry(program: Command): void {
  verb(
    program,
    'retry',
    'acknowledges a rollback: sets sluice:attempt and sluice:step, then pulumi up',
    'sluice retry',
  ).action(async (options: StackOptions) => {
    const stack = await openStack(options)
    const latch = latchOf(await stack.platform.observe())
    if (!latch?.latched) {
      throw new NotDone(
        'nothing is latched, so there is nothing to acknowledge; next: sluice status',
      )
    }
    const landing = latch.trip?.landing ?? 'start'
    say(
      `acknowledges ${describeTrip(latch)}`,
      `  sluice:attempt: ${latch.trips + 1}`,
      `  sluice:step: ${landing}`,
    )
    editConfigFile(stack.configFile, { 'sluice:attempt': latch.trips + 1, 'sluice:step': landing })
    const code = await runPulumi(stack, ['up', '--yes'])
    if (code !== 0) throw new NotDone(`pulumi up ended with ${code}; next: sluice status`)
    say(`attempt ${latch.trips + 1} stands at ${landing}; next: sluice advance`)
  })
}
