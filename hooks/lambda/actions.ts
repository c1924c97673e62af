import { tickMs } from '../../platforms/aws/reference.ts'
import { endOfTask, stopTask } from '../../platforms/aws/tasks.ts'
import { actionOf } from '../../rollout/action.ts'
import { type CommandEnd, commandOf, withCommand, withEnd } from '../../rollout/commands.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { guardrailNamed } from '../alerts.ts'
import { beginCommand, commandEnvironment } from './commands.ts'
import { keepFlags } from './flags.ts'
import { type LambdaParts, log } from './hook.ts'

/** No command of a guardrail runs for longer. */
const LONGEST_RUN_MS = 600_000
/** A faster clock does not run a command again sooner than this. */
const LEAST_AGAIN_MS = 1_000
const PREFIX = 'guardrail '

/**
 * Sets the flag or begins the command of an alarm's guardrail: once for each time that the alarm
 * begins, however often it is heard of, and again where the plan says so.
 */
export async function takeAction(parts: LambdaParts, alarm: Alarm): Promise<object> {
  const { charge, operations } = parts
  const { guardrail: name, service, value, threshold, since } = alarm
  const guardrail = guardrailNamed(charge.plan, name)
  const action = guardrail && actionOf(guardrail)
  const begun = `${PREFIX}${name} on ${service} since `
  const occasion = `${begun}${await knownSince(parts, begun, since)}`
  if (action?.do === 'flag') {
    if (!(await isFirst(parts, occasion))) return { did: 'nothing', why: 'the flag was set before' }
    await operations.setFlag(action.flag, true, `${name} on ${service}: ${value}`)
    await keepFlags(parts)
    return { did: 'set a flag' }
  }
  if (action?.do !== 'run') return { did: 'nothing', why: `${name} runs nothing` }
  const position = parts.world.journal?.verified.position
  // How it ends is seen, and told, by the minute's run.
  await beginCommand(parts, {
    key: `${occasion}, ${timesBy(alarm, action.againMs, charge.clock)}`,
    run: action.command,
    environment: {
      ...commandEnvironment({ plan: charge.plan, position, service }, {}),
      ...{ SLUICE_GUARDRAIL: name, SLUICE_VALUE: value, SLUICE_THRESHOLD: threshold },
    },
  })
  return { did: 'runs a command' }
}

/** Tells of the commands of guardrails that have ended since, and ends those that take too long. */
export async function seeActions({ store, clients, layout, operations }: LambdaParts) {
  const { runner } = layout
  const journal = await store.readJournal()
  if (!runner || !journal) return
  for (const { key, handle, startedAt, end } of journal.commands ?? []) {
    if (end || handle === undefined || !key.startsWith(PREFIX)) continue
    try {
      const ended = await endOfTask(clients.tasks, runner, handle)
      if (ended) await tell(key, ended)
      else if (Date.now() - Date.parse(startedAt) > LONGEST_RUN_MS) {
        await stopTask(clients.tasks, runner, handle, 'it took more than ten minutes')
      }
    } catch (error) {
      log('warning', `${key}: ${(error as Error).message}`)
    }
  }

  /** Whoever records the end is who tells of it. */
  async function tell(key: string, ended: CommandEnd): Promise<void> {
    let first = false
    await operations.progress((current) => {
      const next = withEnd(current, key, ended)
      first = next !== current
      return next
    })
    if (!first) return
    await operations.record({
      kind: 'operation',
      message: `the command of ${key}: ${ended.reason}`,
      severity: ended.ok ? 'info' : 'warning',
    })
  }
}

/**
 * CloudWatch's own time of an alarm and that of its event need not be the same to the millisecond:
 * what began within half a period of a time that is known began then.
 */
async function knownSince(
  { store, reference }: LambdaParts,
  begun: string,
  since: string,
): Promise<string> {
  const { commands = [] } = (await store.readJournal()) ?? {}
  const times = commands
    .filter(({ key }) => key.startsWith(begun))
    .map(({ key }) => key.slice(begun.length).split(',')[0] as string)
  const near = times.find(
    (time) => Math.abs(Date.parse(time) - Date.parse(since)) < tickMs(reference) / 2,
  )
  return near ?? since
}

/** True for the one call that writes down what it was called for. */
async function isFirst({ operations }: LambdaParts, key: string): Promise<boolean> {
  let first = false
  const record = { key, token: 'flag', startedAt: new Date().toISOString() }
  await operations.progress((current) => {
    first = commandOf(current, key) === undefined
    return first ? withEnd(withCommand(current, record), key, { ok: true, reason: 'set' }) : current
  })
  return first
}

/** How often it was time to run a command since its alarm began, from 0. */
function timesBy({ since }: Alarm, againMs: number | undefined, clock: number): number {
  if (againMs === undefined) return 0
  const every = Math.max(LEAST_AGAIN_MS, againMs / clock)
  return Math.max(0, Math.floor((Date.now() - Date.parse(since)) / every))
}
