import * as fs from 'node:fs'
import { dirname } from 'node:path'
import type { z } from 'zod'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { Corrupt, Unavailable } from '../platform.ts'
import type { RolloutEvent, Store } from '../store.ts'
import { journalSchema, latchSchema } from '../stored.ts'
import { readIfThere, writeDurably } from './durable-file.ts'
import type { Layout } from './layout.ts'

/** The history is rotated once here, so that it takes at most twice this, in bytes. */
export const HISTORY_BYTES = 10_000_000

/**
 * Latch, journal and history as files of the home. Whatever a read returns was written whole; a
 * file that makes no sense throws {@link Corrupt} with its path and the way out.
 */
export class FileStore implements Store {
  readonly #layout: Layout
  constructor(layout: Layout) {
    this.#layout = layout
  }

  async readLatch(): Promise<Latch | undefined> {
    const remedy = 'a missing latch counts as latched at green 0 and is rebuilt by pulumi up'
    return readChecked<Latch>(this.#layout.hook.latch, latchSchema, remedy)
  }

  async writeLatch(latch: Latch): Promise<void> {
    writeDurably(this.#layout.hook.latch, `${JSON.stringify(latch, null, 2)}\n`)
  }

  async readJournal(): Promise<Journal | undefined> {
    const remedy = 'then type: sluice doctor --adopt'
    return readChecked<Journal>(this.#layout.hook.journal, journalSchema, remedy)
  }

  async writeJournal(journal: Journal): Promise<void> {
    writeDurably(this.#layout.hook.journal, `${JSON.stringify(journal, null, 2)}\n`)
  }

  async appendEvent(event: RolloutEvent): Promise<void> {
    const path = this.#layout.hook.events
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    if ((fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= HISTORY_BYTES) {
      fs.renameSync(path, `${path}.1`)
    }
    const file = fs.openSync(path, 'a+', 0o600)
    try {
      // A line that a crash cut off must not swallow this one.
      const begin = endsWithNewline(file) ? '' : '\n'
      fs.writeSync(file, `${begin}${JSON.stringify(event)}\n`)
    } finally {
      fs.closeSync(file)
    }
  }
}

/**
 * The newest events, oldest first. A line that a crash cut off is left out.
 * @param limit how many at most
 */
export function readEvents(layout: Layout, limit: number): RolloutEvent[] {
  const path = layout.hook.events
  const newest = lastEvents(path, limit)
  if (newest.length >= limit) return newest
  return [...lastEvents(`${path}.1`, limit - newest.length), ...newest]
}

function lastEvents(path: string, limit: number): RolloutEvent[] {
  if (limit <= 0) return []
  let file: number
  try {
    file = fs.openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  try {
    const size = fs.fstatSync(file).size
    // From the end, as a status asks for the last thirty lines of megabytes.
    for (let span = 65_536; ; span *= 8) {
      const from = Math.max(0, size - span)
      const buffer = Buffer.alloc(size - from)
      fs.readSync(file, buffer, 0, buffer.length, from)
      const lines = buffer.toString('utf8').split('\n')
      const events = (from === 0 ? lines : lines.slice(1)).flatMap(parseEvent)
      if (events.length >= limit || from === 0) return events.slice(-limit)
    }
  } finally {
    fs.closeSync(file)
  }
}

function parseEvent(line: string): RolloutEvent[] {
  if (line === '') return []
  try {
    return [JSON.parse(line) as RolloutEvent]
  } catch {
    return []
  }
}

function readChecked<T>(path: string, schema: z.ZodType, remedy: string): T | undefined {
  let text: string | undefined
  try {
    text = readIfThere(path)
  } catch (error) {
    throw new Unavailable(
      `${path} cannot be read: ${(error as Error).message}; next: make it readable for this user`,
    )
  }
  if (text === undefined) return undefined
  const corrupt = (what: string): never => {
    throw new Corrupt(`${path} is corrupt: ${what}; next: mv ${path} ${path}.bad, ${remedy}`)
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    corrupt(text.trim() === '' ? 'it is empty' : (error as Error).message)
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) {
    corrupt(
      parsed.error.issues
        .slice(0, 3)
        .map((issue) => `${issue.path.join('.') || 'the whole'}: ${issue.message}`)
        .join(', '),
    )
  }
  return value as T
}

function endsWithNewline(file: number): boolean {
  const size = fs.fstatSync(file).size
  if (size === 0) return true
  const last = Buffer.alloc(1)
  fs.readSync(file, last, 0, 1, size - 1)
  return last[0] === 0x0a
}
