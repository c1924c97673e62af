import { type Command, Option } from 'commander'
import { GuardedPlatform } from '../platforms/guarded.ts'
import { healthOfBlue, startBlue } from '../platforms/local/blue.ts'
import { openPlatform } from '../platforms/open.ts'
import type { Platform, RollbackReport } from '../platforms/platform.ts'
import { describeHeld } from '../rollout/limits.ts'
import { journalOf, latchOf } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { describeChange } from '../rollout/weights.ts'
import { NotDone, WrongUse } from './errors.ts'
import { acknowledgingLines } from './outlook.ts'
import { type Paint, paintFor } from './paint.ts'
import { restoreNewest } from './restore-newest.ts'
import { findStack, type Stack, type StackOptions } from './stack.ts'
import { awaitState } from './state-back.ts'
import { takeDown } from './take-down.ts'
import { say, verb } from './verb.ts'
import { whoAmI } from './who.ts'

interface RollbackFlags extends StackOptions {
  reason: string
  service?: string
  phase?: string
  progressively?: boolean
  database?: string
  restoreDb?: string
}

/** `sluice rollback`: the emergency. No Pulumi, no lock; the plan is the one that is guarded. */
export function rollback(program: Command): void {
  verb(
    program,
    'rollback',
    'puts green to 0 at once and latches; no Pulumi, no lock; works while the hook is dead',
    'sluice rollback --reason "candidates cannot log in"\nsluice rollback --service api\nsluice rollback --database migrate',
  )
    .option('--reason <text>', 'what the history and the news say', 'a person asked for it')
    .option('--service <name>', 'only this service, and what came after it')
    .addOption(
      new Option('--phase <name>', 'only this phase, and what came after it').conflicts('service'),
    )
    .option('--progressively', 'step by step: 75, 50, 25, 0, five minutes each')
    .addOption(
      new Option(
        '--database <operation>',
        'runs the down of an operation of the plan; only with blue at 100',
      ).conflicts(['service', 'phase', 'progressively', 'restoreDb']),
    )
    .option(
      '--restore-db <backup>',
      'after the traffic: puts the newest verified backup in the place of the live database',
    )
    .action(async (options: RollbackFlags) => {
      const stack = findStack(options, 'withoutPulumi')
      const platform = await openPlatform(stack.settings.platform)
      const { kind } = stack.settings.platform
      if (options.restoreDb !== undefined && kind !== 'local') {
        throw new WrongUse(
          `--restore-db: a database on ${kind} is restored with its own tools (sluice restore --list shows the backups); for the traffic, type: sluice rollback`,
        )
      }
      if (options.database !== undefined) {
        const plan = (await guardedPlan(platform)) ?? journalOf(await platform.observe())?.plan
        return takeDown(platform, plan, options.database, whoAmI())
      }
      await rollBack(stack, platform, options)
    })
}

/** Blue first, then the traffic, then the database where asked for, then how blue is, then its state. */
async function rollBack(stack: Stack, platform: Platform, options: RollbackFlags): Promise<void> {
  const { reason, service, phase, progressively } = options
  const askedAt = new Date().toISOString()
  const paint = paintFor()
  const plan = await guardedPlan(platform)
  // What supervises blue elsewhere is no matter of this host.
  const here = stack.settings.platform.kind === 'local' ? plan : undefined
  for (const { service, well, found } of here ? await startBlue(stack.layout, here) : []) {
    say(`blue of ${service} ${paint(well ? 'good' : 'bad', found)}`)
  }
  const command = { by: whoAmI(), reason, service, phase, progressively, askedAt }
  const done = await platform.rollback(command)
  const kept = await tellRollback(platform, done, paint)
  if (options.restoreDb !== undefined) {
    if (kept.length === 0) await restoreNewest(stack, platform, plan, options.restoreDb)
    else say(`${options.restoreDb} is not restored while green of ${kept.join(', ')} has traffic`)
  }
  const ill = here ? (await healthOfBlue(here)).filter(({ well }) => !well) : []
  for (const { service, found } of ill) say(`blue of ${service} ${paint('bad', found)}`)
  if (here && ill.length === 0) say(`blue ${paint('good', 'answers')} for every service`)
  const unfinished = await awaitState(platform, done, paint)
  if (kept.length > 0 || ill.length > 0) {
    const why = kept.length > 0 ? 'blue is absent or ill and would get the traffic' : 'blue is ill'
    throw new NotDone(`${why}; next: sluice doctor`)
  }
  if (unfinished !== undefined) throw new NotDone(unfinished)
}

/** @returns the services whose green has more than the latch allows */
async function tellRollback(
  platform: Platform,
  done: RollbackReport,
  paint: Paint,
): Promise<string[]> {
  const latch = latchOf(await platform.observe())
  const ceiling = latch?.latched ? latch.ceiling : {}
  const above = Object.keys(done.weights).filter(
    (name) => (done.weights[name]?.green ?? 0) > (ceiling[name]?.green ?? 0),
  )
  const all = Object.values(done.weights).every(({ green }) => green === 0)
  const how = done.via === 'hook' ? 'by the hook' : 'directly, as the hook does not answer'
  const where = latch?.descent
    ? paint('warn', `green goes down, then ${latch.descent.left.join(', ')}`)
    : all
      ? paint('good', 'green is at 0')
      : paint('good', `green is at ${latch?.trip?.landing ?? 'its landing'}`)
  say(
    `${above.length > 0 ? paint('bad', 'GREEN KEEPS TRAFFIC') : where}, read back after ${describeHeld(done.tookMs, done.limits ?? [])}, ${how}`,
    describeChange(done.weights, done.weights),
  )
  if (latch?.latched) {
    say('latched. To go on, type:', ...acknowledgingLines(latch).map((line) => `  ${line}`))
    say('  pulumi up', '(or all of it: sluice retry)')
  } else if (!done.latched) {
    say('nothing was latched: nothing of it is deployed, or it is released')
  }
  return above
}

/** An emergency does not depend on it: what cannot be read is left out. */
async function guardedPlan(platform: Platform): Promise<Plan | undefined> {
  if (!(platform instanceof GuardedPlatform)) return undefined
  return (await platform.guarded().catch(() => undefined))?.plan
}
