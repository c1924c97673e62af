// `npm run demo`: the huntred migration on the local platform, under load, with a fault that rolls it
// back and a second attempt that succeeds. Plain `pulumi` does all of it; a clock that runs faster
// makes a day of baking five seconds. Exit code 0 only if everything happened as it must.
import { mkdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { layoutOf } from '../platforms/local/layout.ts'
import { stopAll } from '../platforms/local/supervisor.ts'
import { describeTrip } from '../rollout/admission.ts'
import { checkout, stateDirectory } from './checkout.ts'
import { Audience, between, describeSeen } from './demo/audience.ts'
import { endPulumi, refusalIn, runQuietly, setConfig, up } from './demo/pulumi.ts'
import { Rollout } from './demo/rollout.ts'
import { makeStage, type Stage, writeConfig } from './demo/stage.ts'
import { elapsed, say } from './demo/tell.ts'

const RATE = 200
/** What a promise of seconds must beat by far; a machine that is busy with other things still does. */
const EXPOSURE_LIMIT_MS = 5_000
/** A machine too busy for its own guardrails makes the demo begin again, so often. */
const ATTEMPTS = 5

const audience = new Audience()
let stage: Stage | undefined

async function play(on: Stage): Promise<void> {
  say(
    `The huntred migration, 5 → 10 → 25 → 50 → 100 %, on this machine: two minutes, in which a day of baking takes five seconds.\nIt plays in ${on.folder}; users reach the system at ${on.url}`,
  )
  const made = ['stack', 'init', 'demo', '--no-select', '--non-interactive']
  const init = await runQuietly(on, 'pulumi', made, on.folder)
  if (init.code !== 0) throw new Error(`pulumi stack init ended with ${init.code}:\n${init.output}`)
  writeConfig(on)

  say('$ pulumi up      # deploys both systems, the router, the alarms and the rollback hook')
  await mustUp(on)
  const rollout = await Rollout.open(on)
  audience.start(on.url, RATE)
  const journal = await rollout.waitUntilFree(1)
  const parity = journal.verdicts
    .filter(({ gate, result }) => result === 'passed' && rollout.plan.gates[gate]?.replay)
    .map(({ gate, reason }) => `${gate}: ${reason}`)
  say(`start: blue 100, green 0; ${RATE} requests a second arrive\nparity of\n${parity.join('\n')}`)

  const first = await climb(on, rollout, 1, async (attempt) => {
    for (const weight of [5, 10, 25]) await step(on, rollout, weight, attempt)
  })
  await breakGreen(on, rollout)
  await rollForwardIsRefused(on)

  await put(on, 'DELETE')
  say('Green is repaired. Two lines of config acknowledge the rollback:')
  await acknowledge(on, rollout, first + 1)
  await climb(on, rollout, first + 1, async (attempt) => {
    for (const weight of [5, 10, 25, 50, 100]) await step(on, rollout, weight, attempt)
    await move(on, rollout, 'promoted', attempt)
  })
  say('promoted: green has all of the traffic, blue stands by', 'good')
  say(`All of it, as the users saw it: ${describeSeen(audience.seen())}`)
}

/**
 * Goes up. On a machine that is busy with other things green is at times really too slow, and is
 * rolled back: that is told, acknowledged and begun again.
 * @returns the attempt that got there
 */
async function climb(
  on: Stage,
  rollout: Rollout,
  attempt: number,
  ascend: (attempt: number) => Promise<void>,
): Promise<number> {
  try {
    await ascend(attempt)
    return attempt
  } catch (error) {
    const latch = await rollout.latched()
    if (!latch || attempt >= ATTEMPTS) throw error
    say(
      `ROLLED BACK, and not by the demo: ${describeTrip(latch)}\nthis machine was too busy for its own guardrails; the next attempt:`,
      'bad',
    )
    await acknowledge(on, rollout, latch.trips + 1)
    return climb(on, rollout, latch.trips + 1, ascend)
  }
}

async function acknowledge(on: Stage, rollout: Rollout, attempt: number): Promise<void> {
  await setConfig(on, 'sluice:attempt', String(attempt))
  await setConfig(on, 'sluice:step', 'start')
  say(
    `$ pulumi config set sluice:attempt ${attempt}\n$ pulumi config set sluice:step start\n$ pulumi up`,
  )
  await mustUp(on)
  await rollout.waitUntilFree(attempt)
}

/** One traffic step, and its bake. */
async function step(on: Stage, rollout: Rollout, weight: number, attempt: number) {
  const name = `huntred@${weight}`
  if (weight === 50) {
    const key = attempt === 1 ? 'huntred@25' : `huntred@25#${attempt}`
    await setConfig(on, 'sluice:confirmed[0]', key, '--path')
    say(`$ pulumi config set --path 'sluice:confirmed[0]' ${key}      # a person was asked`)
  }
  const output = await move(on, rollout, name, attempt)
  const backup = /backup \S+ taken and verified.*/.exec(output)?.[0]
  const before = audience.seen()
  // The question of this step to a person is answered by a line of the next one.
  const journal = await rollout.waitUntilFree(attempt, ['unconfirmed'])
  const seen = describeSeen(between(before, audience.seen()))
  const values = await rollout.guardrails(journal)
  const evidence = `baked a day of its clock: ${seen}\nguardrails: ${values}`
  say(`${name}: blue ${100 - weight}, green ${weight}${backup ? `; ${backup}` : ''}\n${evidence}`)
}

async function move(on: Stage, rollout: Rollout, position: string, attempt: number) {
  await setConfig(on, 'sluice:step', position)
  say(`$ pulumi config set sluice:step ${position} && pulumi up`)
  for (;;) {
    const { code, output } = await up(on)
    if (code === 0) return output
    // On a busy machine green is at times a tenth slower than blue: the plan says hold, so it holds.
    const alarm = /guardrails\.\S+: is active on .*/.exec(output)?.[0]
    if (!alarm) throw new Error(`pulumi up ended with ${code}:\n${output}`)
    say(`held, as the plan says: ${alarm}\n$ pulumi up      # again, once that is over`)
    await rollout.waitUntilFree(attempt, ['unconfirmed'])
  }
}

async function mustUp(on: Stage): Promise<string> {
  const { code, output } = await up(on)
  if (code !== 0) throw new Error(`pulumi up ended with ${code}:\n${output}`)
  return output
}

/** Green answers 500 to everything; nobody does anything; the hook takes it back. */
async function breakGreen(on: Stage, rollout: Rollout): Promise<void> {
  const before = audience.seen()
  audience.expectFault()
  await put(on, 'PUT', { errors: 1 })
  say('Green breaks: it answers 500 to everything. Nobody touches anything.')
  const latch = await rollout.waitForLatch()
  // What was in flight at the rollback is answered within this.
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  const exposure = audience.exposureMs()
  const { failed } = between(before, audience.seen())
  say(
    `ROLLED BACK: ${describeTrip(latch)}\n${Math.round(exposure ?? 0)} ms from the first bad answer to the last one that green gave; ${failed} ${failed === 1 ? 'request' : 'requests'} failed`,
    'bad',
  )
  if (exposure === undefined || exposure > EXPOSURE_LIMIT_MS) {
    throw new Error(`green kept traffic for ${exposure} ms after its first bad answer`)
  }
}

async function rollForwardIsRefused(on: Stage): Promise<void> {
  await setConfig(on, 'sluice:step', 'huntred@50')
  say('$ pulumi config set sluice:step huntred@50 && pulumi up      # somebody tries to go on')
  const { code, output } = await up(on)
  if (code === 0) throw new Error('pulumi up rolled forward over a latch')
  say(`refused, exit code ${code}:\n${refusalIn(output).join('\n')}`)
}

async function put(on: Stage, method: 'PUT' | 'DELETE', faults?: object): Promise<void> {
  const answer = await fetch(`${on.colours.green}/faults`, {
    method,
    body: faults && JSON.stringify(faults),
    headers: { 'content-type': 'application/json' },
  })
  if (!answer.ok) throw new Error(`/faults of green: ${answer.status}`)
}

async function writeReport(on: Stage): Promise<string> {
  const folder = path.join(stateDirectory, 'reports')
  mkdirSync(folder, { recursive: true })
  const file = path.join(folder, `demo-${new Date().toISOString().replace(/[:.]/g, '-')}.html`)
  const where = ['--stack', 'demo', '--config-file', on.config]
  const program = path.join(checkout, 'cli', 'sluice')
  const { code, output } = await runQuietly(on, program, ['report', ...where, '--out', file])
  if (code !== 0) throw new Error(`sluice report ended with ${code}: ${output}`)
  return file
}

/** Ends every process of the demo, and takes its folder away. */
async function clear(): Promise<void> {
  if (!stage) return
  const { home, folder } = stage
  stage = undefined
  await endPulumi()
  await stopAll(layoutOf(home))
  rmSync(folder, { recursive: true, force: true })
}

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => {
    say(`${signal}: ending everything of the demo`)
    clear().finally(() => process.exit(code))
  })
}

try {
  stage = await makeStage()
  await play(stage)
  const report = await writeReport(stage)
  say(`Everything happened as it must, in ${elapsed()}. The report, to open in a browser:`, 'good')
  process.stdout.write(`${report}\n`)
} catch (error) {
  process.exitCode = 1
  // Ended by a signal, it has said so already.
  if (stage) {
    say(`The demo failed: ${(error as Error).message}`, 'bad')
    const report = await writeReport(stage).catch(() => undefined)
    if (report) say(`What happened until then: ${report}`)
  }
} finally {
  await audience.stop().catch(() => {})
  await clear()
}
