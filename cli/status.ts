import { type Command, Option } from 'commander'
import { readArchiveHealth } from './archive-health.ts'
import { readHookStatus } from './hook-status.ts'
import { lastAttemptOf } from './last-attempt.ts'
import { paintFor } from './paint.ts'
import { type OpenStack, openStack, type StackOptions } from './stack.ts'
import { type StatusInput, statusJson, statusLines } from './status-view.ts'
import { say, verb } from './verb.ts'

/** `sluice status`: where the rollout stands, what holds it, and what to type. */
export function status(program: Command): void {
  verb(
    program,
    'status',
    'shows where the rollout stands, what holds it, and what to type next',
    'sluice status --watch',
  )
    .addOption(new Option('--json', 'for programs').conflicts('watch'))
    .option('--watch', 'draws it anew every second, until Ctrl-C')
    .action(async (options: StackOptions & { json?: boolean; watch?: boolean }) => {
      const stack = await openStack(options)
      if (options.watch) return watch(options, stack)
      const input = await statusInput(stack)
      if (options.json) say(JSON.stringify(statusJson(input), null, 2))
      else say(...statusLines(input, paintFor()))
    })
}

/** Reads everything that a status is made of. */
export async function statusInput(stack: OpenStack): Promise<StatusInput> {
  const [observation, hook, archive] = await Promise.all([
    stack.platform.observe(),
    readHookStatus(stack),
    readArchiveHealth(stack),
  ])
  const lastAttempt = await lastAttemptOf(stack, observation)
  return { stack: stack.name, request: stack.request(), observation, lastAttempt, hook, archive }
}

async function watch(options: StackOptions, first: OpenStack): Promise<void> {
  const over = Promise.withResolvers<void>()
  process.once('SIGINT', () => over.resolve())
  process.once('SIGTERM', () => over.resolve())
  process.stdout.once('error', () => over.resolve())
  const named = { ...options, stack: first.name }
  let stopped = false
  const draw = async () => {
    // Config and plan are read anew: an edit shows at once.
    const lines = await openStack(named)
      .then(statusInput)
      .then((input) => statusLines(input, paintFor()))
      .catch((error: Error) => [error.message])
    if (stopped) return
    const clear = process.stdout.isTTY ? '\x1b[H\x1b[2J\x1b[3J' : ''
    process.stdout.write(`${clear}${new Date().toISOString()}\n${lines.join('\n')}\n`)
  }
  let drawing = Promise.resolve()
  let busy = false
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    drawing = draw().finally(() => {
      busy = false
    })
  }, 1_000)
  await draw()
  await over.promise
  stopped = true
  clearInterval(timer)
  await drawing
}
