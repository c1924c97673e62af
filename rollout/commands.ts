import type { Journal } from './journal.ts'

/** What came of a command that ran elsewhere. */
export interface CommandEnd {
  ok: boolean
  /** In words: how it ended, and where what it said stands. */
  reason: string
}

/** A command of the plan that was handed to something else to run. */
export interface CommandRecord {
  /** What it is run for; the same for the same occasion, so that it is started once. */
  key: string
  /** Made by chance before it is started: whoever starts it again by this one finds it running. */
  token: string
  /** What the platform knows it by; not there before it is started. */
  handle?: string
  /** ISO 8601; before it is started, when that was decided. */
  startedAt: string
  end?: CommandEnd
}

/** So many that have ended are remembered, so that an event that comes again starts nothing. */
const KEPT = 30

export function commandOf(
  { commands }: Pick<Journal, 'commands'>,
  key: string,
): CommandRecord | undefined {
  return commands?.find((record) => record.key === key)
}

/** The journal with a command that was begun; whoever was first stays. Pure. */
export function withCommand(journal: Journal, record: CommandRecord): Journal {
  if (commandOf(journal, record.key)) return journal
  const all = [...(journal.commands ?? []), record]
  const ended = all.filter(({ end }) => end !== undefined)
  const dropped = new Set(ended.slice(0, Math.max(0, ended.length - KEPT)))
  return { ...journal, commands: all.filter((one) => !dropped.has(one)) }
}

/** The journal with what a command is known by, once it is started; whoever was first stays. Pure. */
export function withHandle(journal: Journal, key: string, handle: string, at: string): Journal {
  const record = commandOf(journal, key)
  if (!record || record.handle !== undefined) return journal
  const started = { ...record, handle, startedAt: at }
  return {
    ...journal,
    commands: journal.commands?.map((one) => (one === record ? started : one)),
  }
}

/** The journal with the end of a command; the first that is recorded stays. Pure. */
export function withEnd(journal: Journal, key: string, end: CommandEnd): Journal {
  const record = commandOf(journal, key)
  if (!record || record.end) return journal
  const commands = journal.commands?.map((one) => (one === record ? { ...one, end } : one))
  return { ...journal, commands }
}

/**
 * Which time a command is run for the same purpose, from 1: one time more than it has failed. Of
 * several that belong together, the whole of them is run anew.
 */
export function roundOf({ commands }: Pick<Journal, 'commands'>, purpose: string): number {
  const failed = (commands ?? []).filter(
    ({ key, end }) => end?.ok === false && key.startsWith(`${purpose}#`),
  )
  const rounds = failed.map(({ key }) => Number.parseInt(key.slice(purpose.length + 1), 10))
  return Math.max(0, ...rounds) + 1
}

/** The key of one of the commands of a round. */
export function keyOfRound(purpose: string, round: number, part = 0): string {
  return `${purpose}#${round}/${part}`
}
