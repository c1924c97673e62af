import { journalOf, latchOf } from '../rollout/observation.ts'
import { describeRefusals } from '../rollout/refusal.ts'
import { editConfigFile } from './config-file.ts'
import { NotDone } from './errors.ts'
import { lastAttemptOf } from './last-attempt.ts'
import { lasting, type Outlook, outlookOf } from './outlook.ts'
import { runPulumi } from './pulumi.ts'
import { type OpenStack, openStack, type StackOptions } from './stack.ts'
import { say } from './verb.ts'

/** How often a condition that is waited for is looked at, ms. */
const LOOK_EVERY = 500

/** So many looks in a row must find something lasting: a guard that restarts is no reason to stop. */
const LOOKS = 6

/** A stack and its outlook, read at one moment. */
interface Sight {
  stack: OpenStack
  outlook: Outlook
  blocking: Outlook['refusals']
  latched: boolean
}

async function look(options: StackOptions): Promise<Sight> {
  const stack = await openStack(options)
  const observation = await stack.platform.observe()
  const lastAttempt = await lastAttemptOf(stack, observation)
  const outlook = outlookOf(stack.request(), observation, lastAttempt)
  const blocking = lasting(outlook.refusals, observation)
  return { stack, outlook, blocking, latched: latchOf(observation)?.latched ?? false }
}

/**
 * Takes one step: waits for it where asked to, then sets sluice:step and runs `pulumi up`.
 * @returns the name of the position that was reached; undefined at the end of the plan
 * @throws NotDone with everything that holds the step, and nothing changed; or when `up` fails
 */
export async function takeStep(
  options: StackOptions,
  { wait }: { wait: boolean },
): Promise<string | undefined> {
  const sight = wait ? await waitUntilFree(options) : await look(options)
  const { stack, outlook } = sight
  if (!outlook.next) return undefined
  if (outlook.refusals.length > 0) throw new NotDone(held(sight))
  const before = stack.settings.step
  const name = outlook.next.name
  say(`sluice:step: ${before === name ? name : `${before} → ${name}`} (${outlook.change})`)
  editConfigFile(stack.configFile, { 'sluice:step': name })
  const code = await runPulumi(stack, ['up', '--yes'])
  if (code === 0) return name
  await putBackUnlessTried(stack, name, before)
  throw new NotDone(`pulumi up ended with ${code}; next: sluice status`)
}

/** Where the update did not even begin the move, the config says again what is live. */
async function putBackUnlessTried(stack: OpenStack, name: string, before: string): Promise<void> {
  const journal = journalOf(await stack.platform.observe())
  if (journal?.verified.position === name || journal?.intent?.position === name) return
  if (before === name) return
  editConfigFile(stack.configFile, { 'sluice:step': before })
  say(`sluice:step is ${before} again: the move to ${name} was not begun`)
}

async function waitUntilFree(options: StackOptions): Promise<Sight> {
  let told = ''
  let lastingLooks = 0
  for (;;) {
    const sight = await look(options)
    const { refusals } = sight.outlook
    if (refusals.length === 0) return sight
    lastingLooks = sight.blocking.length > 0 ? lastingLooks + 1 : 0
    const forPerson = sight.blocking.some(({ code }) => code === 'unconfirmed')
    // A question to a person is asked once the rest is over, so that the answer is an informed one.
    const only = refusals.length === sight.blocking.length
    if (sight.latched || (lastingLooks >= LOOKS && (!forPerson || only))) return sight
    const now = refusals.map(({ code }) => code).join(', ')
    if (now !== told) {
      say(
        `${sight.outlook.next?.name} waits: ${refusals.map(({ place, message }) => `${place} ${message}`).join('; ')}`,
      )
      told = now
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
}

function held({ outlook }: Sight): string {
  const from = outlook.standing?.name ?? 'nowhere yet'
  return describeRefusals(`${from} → ${outlook.next?.name}`, outlook.change, outlook.refusals)
}
