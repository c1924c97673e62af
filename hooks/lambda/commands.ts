import { randomUUID } from 'node:crypto'
import { endOfTask, startTask, stopTask } from '../../platforms/aws/tasks.ts'
import {
  type CommandEnd,
  type CommandRecord,
  commandOf,
  withCommand,
  withEnd,
  withHandle,
} from '../../rollout/commands.ts'
import { formatDuration } from '../../rollout/duration.ts'
import { placeVariables } from '../surroundings.ts'
import type { LambdaParts } from './hook.ts'

/** What is to be run, and how long it may. */
export interface Command {
  /** The same for the same occasion, so that events that come twice start it once. */
  key: string
  run: readonly string[]
  environment: Record<string, string>
  timeoutMs: number
}

/**
 * Begins a command of the plan as a task, where it is not begun.
 * @returns what was known of it before; undefined where it has just been begun
 * @throws Unavailable where it could not be begun
 */
export async function beginCommand(
  parts: LambdaParts,
  { key, run, environment }: Omit<Command, 'timeoutMs'>,
): Promise<(CommandRecord & { handle: string }) | undefined> {
  const { clients, operations } = parts
  const known = await decided(parts, key)
  if (!known) return undefined
  const { handle, token } = known
  if (handle !== undefined) return { ...known, handle }
  const started = await startTask(clients.tasks, runnerOf(parts), { token, run, environment })
  const at = new Date().toISOString()
  await operations.progress((current) => withHandle(current, key, started, at))
  return undefined
}

/**
 * Runs a command of the plan as a task, without waiting for it: begins it where it is not begun, and
 * looks whether it has ended. A function that waits costs, and ends after a quarter of an hour.
 * @returns how it ended; undefined while it runs
 * @throws Unavailable where it could not be begun, or not be asked for
 */
export async function runCommand(
  parts: LambdaParts,
  { timeoutMs, ...command }: Command,
): Promise<CommandEnd | undefined> {
  const { clients, operations } = parts
  const { key } = command
  const runner = runnerOf(parts)
  const known = await beginCommand(parts, command)
  if (!known) return undefined
  if (known.end) return known.end
  const end = await endOfTask(clients.tasks, runner, known.handle)
  if (end) {
    const late = ranFor(known.startedAt) > timeoutMs && !end.ok
    const told = late ? { ...end, reason: `${tooLong(timeoutMs)}: ${end.reason}` } : end
    await operations.progress((current) => withEnd(current, key, told))
    return told
  }
  if (ranFor(known.startedAt) > timeoutMs) {
    await stopTask(clients.tasks, runner, known.handle, tooLong(timeoutMs))
  }
  return undefined
}

function runnerOf({ layout: { runner } }: LambdaParts) {
  if (runner) return runner
  throw new Error('nothing runs commands here; next: pulumi up (runner: in the plan)')
}

/**
 * What is written down of a command before it is started, by whoever is first. Its token is of this
 * journal alone: another rollout of the same name finds no task of this one.
 */
async function decided(
  { store, operations }: LambdaParts,
  key: string,
): Promise<CommandRecord | undefined> {
  const journal = await store.readJournal()
  const known = journal && commandOf(journal, key)
  if (known) return known
  const record = { key, token: randomUUID(), startedAt: new Date().toISOString() }
  await operations.progress((current) => withCommand(current, record))
  const now = await store.readJournal()
  return now && commandOf(now, key)
}

function ranFor(startedAt: string): number {
  return Date.now() - Date.parse(startedAt)
}

function tooLong(timeoutMs: number): string {
  return `ended after ${formatDuration(timeoutMs)}`
}

/** What a command is told of where it runs; `env:` names are the task's own, from the secret. Pure. */
export function commandEnvironment(
  place: Parameters<typeof placeVariables>[0],
  own: Record<string, string>,
): Record<string, string> {
  const given = Object.entries(own).filter(([, value]) => !value.startsWith('env:'))
  return { ...placeVariables(place), ...Object.fromEntries(given) }
}
