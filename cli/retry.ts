import type { Command } from 'commander'
import { describeTrip } from '../rollout/admission.ts'
import { latchOf } from '../rollout/observation.ts'
import { type ConfigEdit, editConfigFile } from './config-file.ts'
import { NotDone } from './errors.ts'
import { lastAttemptOf } from './last-attempt.ts'
import { isEarly } from './outlook.ts'
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
    const observation = await stack.platform.observe()
    const latch = latchOf(observation)
    if (!latch?.latched) {
      throw new NotDone(
        'nothing is latched, so there is nothing to acknowledge; next: sluice status',
      )
    }
    const attempt = latch.trips + 1
    const landing = latch.trip?.landing ?? 'start'
    const update = async (edit: ConfigEdit) => {
      say(...Object.entries(edit).map(([key, value]) => `  ${key}: ${value}`))
      editConfigFile(stack.configFile, edit)
      return runPulumi(stack, ['up', '--yes'])
    }
    if (isEarly(latch, stack.settings.attempt, await lastAttemptOf(stack, observation))) {
      say(
        `sluice:attempt was ${attempt} before trip ${latch.trips} happened: one update takes it back first, and ends with 1`,
      )
      await update({ 'sluice:attempt': latch.attempt })
    }
    say(`acknowledges ${describeTrip(latch)}`)
    const code = await update({ 'sluice:attempt': attempt, 'sluice:step': landing })
    if (code !== 0) throw new NotDone(`pulumi up ended with ${code}; next: sluice status`)
    say(`attempt ${attempt} stands at ${landing}; next: sluice advance`)
  })
}
