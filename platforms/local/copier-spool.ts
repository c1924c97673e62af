import * as fs from 'node:fs'
import { dirname } from 'node:path'
import type { ColourName } from '../../rollout/plan.ts'
import { readIfThere, writeDurably } from './durable-file.ts'

/** A write of a user, and the colour that it is to be copied to. */
export interface Write {
  id: string
  at: string
  to: ColourName
  method: string
  path: string
  headers: [name: string, value: string][]
  /** Base64. */
  body: string
}

type Line = { begun: Write } | { answered: string } | { ended: string }

/** What a copier that was killed had left to do. */
export interface Owed {
  /** Users have their answer: the copies are owed, in this order. */
  answered: Write[]
  /** Nobody knows whether the colour that was to answer has them. */
  unknown: Write[]
}

/** Above this a spool in which nothing is open begins anew, in bytes. */
const TIDY_BYTES = 1_000_000

/**
 * Every write from before it is sent until its copy is done, as a file of lines. A kill at any
 * moment loses none that was answered.
 */
export class Spool {
  readonly #file: number
  readonly #open = new Set<string>()
  #bytes = 0
  #syncing: Promise<void> = Promise.resolve()
  #next: Promise<void> | undefined

  private constructor(path: string, owed: Owed) {
    const kept: Line[] = owed.answered.flatMap((begun) => [{ begun }, { answered: begun.id }])
    writeDurably(path, kept.map((line) => `${JSON.stringify(line)}\n`).join(''))
    for (const { id } of owed.answered) this.#open.add(id)
    this.#file = fs.openSync(path, 'a', 0o600)
    this.#bytes = fs.fstatSync(this.#file).size
  }

  /** Opens a spool, and says what is owed of the time before. */
  static open(path: string): { spool: Spool; owed: Owed } {
    fs.mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    const owed = owedOf(readIfThere(path) ?? '')
    return { spool: new Spool(path, owed), owed }
  }

  /** Before the write is sent anywhere. */
  begin(write: Write): void {
    this.#open.add(write.id)
    this.#append({ begun: write })
  }

  /** Before its user is answered; on the disk when this resolves. Many share one sync. */
  async answered(id: string): Promise<void> {
    this.#append({ answered: id })
    this.#next ??= this.#syncing
      .catch(() => {})
      .then(() => {
        this.#syncing = this.#next as Promise<void>
        this.#next = undefined
        return sync(this.#file)
      })
    return this.#next
  }

  /** Its copy is done, or given up, or not owed at all. */
  end(id: string): void {
    this.#append({ ended: id })
    this.#open.delete(id)
    if (this.#open.size > 0 || this.#bytes < TIDY_BYTES) return
    fs.ftruncateSync(this.#file, 0)
    this.#bytes = 0
  }

  #append(line: Line): void {
    const text = Buffer.from(`${JSON.stringify(line)}\n`)
    // Synchronous: what follows rests on it, and a line of a file is quicker than a turn of the loop.
    fs.writeSync(this.#file, text)
    this.#bytes += text.length
  }
}

function owedOf(text: string): Owed {
  const begun = new Map<string, Write>()
  const answered = new Map<string, Write>()
  for (const line of text.split('\n')) {
    const entry = parse(line)
    if (!entry) continue
    if ('begun' in entry) begun.set(entry.begun.id, entry.begun)
    else if ('answered' in entry) {
      const write = begun.get(entry.answered)
      if (write) answered.set(write.id, write)
      begun.delete(entry.answered)
    } else {
      begun.delete(entry.ended)
      answered.delete(entry.ended)
    }
  }
  return { answered: [...answered.values()], unknown: [...begun.values()] }
}

/** A line that a crash cut off is nobody's: its write was not sent yet, or not answered. */
function parse(line: string): Line | undefined {
  if (line === '') return undefined
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}

function sync(file: number): Promise<void> {
  return new Promise((resolve, reject) => {
    fs.fdatasync(file, (error) => (error ? reject(error) : resolve()))
  })
}
