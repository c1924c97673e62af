import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Evaluate, evaluator } from '../../../examples/flags.ts'
import { FileStore, readEvents } from '../../../platforms/local/file-store.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import type { Journal } from '../../../rollout/journal.ts'
import type { Latch } from '../../../rollout/latch.ts'
import { findPosition, type Position, positionsOf } from '../../../rollout/positions.ts'
import { greenOf, type ServiceWeights } from '../../../rollout/weights.ts'
import { checkout } from '../../../tools/checkout.ts'
import type { Result } from '../engine-stack.ts'
import type { Migration } from '../migrations/migration.ts'
import type { TestStack } from '../test-stack.ts'

/** What can be seen of a deployed stack: router, files, databases, history, news, users. */
export class Stand {
  readonly migration: Migration
  readonly #store: FileStore
  #began = new Date().toISOString()
  #newsBegan = 0

  protected constructor(migration: Migration) {
    this.migration = migration
    this.#store = new FileStore(migration.stack.layout)
  }

  get stack(): TestStack {
    return this.migration.stack
  }

  close(): Promise<void> {
    return this.migration.close()
  }

  /** A drill begins: what it sees came after this. */
  begin(): void {
    this.#began = new Date().toISOString()
    this.#newsBegan = this.migration.news.length
  }

  async latch(): Promise<Latch> {
    const latch = await this.#store.readLatch()
    if (!latch) throw new Error('the latch is lost')
    return latch
  }

  /** The latch, when nothing is on its way down any more. */
  async landed(): Promise<Latch> {
    await this.stack.until('the descent to end', async () => !(await this.latch()).descent)
    return this.latch()
  }

  async journal(): Promise<Journal> {
    const journal = await this.#store.readJournal()
    if (!journal) throw new Error('the journal is lost')
    return journal
  }

  position(name: string): Position {
    const found = findPosition(positionsOf(this.stack.plan), name)
    if (!found) throw new Error(`the plan has no position ${name}`)
    return found
  }

  /** The name of the position before one. */
  before(name: string): string {
    return this.position(String(this.position(name).index - 1)).name
  }

  /** The position after the one that the rollout stands at. */
  async next(): Promise<string> {
    const { position } = (await this.journal()).verified
    return this.position(String(this.position(position).index + 1)).name
  }

  /** Green's live percent by service, as the router has it. */
  async weights(): Promise<Record<string, number>> {
    const weights: ServiceWeights = await this.stack.platform.readWeights()
    return Object.fromEntries(Object.keys(weights).map((name) => [name, greenOf(weights, name)]))
  }

  /** The history since the drill began. */
  events(kind: RolloutEvent['kind']): RolloutEvent[] {
    const all = readEvents(this.stack.layout, 2_000)
    return all.filter((event) => event.kind === kind && event.at >= this.#began)
  }

  /** What people were told since the drill began: the variable of the channel, then the message. */
  get news(): string[] {
    return this.migration.news.slice(this.#newsBegan)
  }

  /** Who was told something since the drill began, by the variables of their channels. */
  readersOf(what: RegExp): string[] {
    const told = this.news.filter((text) => what.test(text))
    return [...new Set(told.map((text) => text.split(':')[0] as string))].sort()
  }

  /** Waits for news that people got. */
  told(what: RegExp): Promise<void> {
    return this.stack.until(`the news ${what}`, () => this.news.some((text) => what.test(text)))
  }

  /** The flag file as services read it. */
  flags(): Evaluate {
    return evaluator(JSON.parse(readFileSync(this.stack.layout.flags, 'utf8')))
  }

  /** Who answers forty users; where they are refused, the status. */
  async answering(path: string, init: RequestInit = {}): Promise<string[]> {
    const found = await Promise.all(
      [...Array(40).keys()].map(async (n) => {
        const headers = { ...(init.headers as object), 'x-user-id': `user-${n}` }
        const response = await fetch(`${this.stack.url}${path}`, { ...init, headers })
        await response.body?.cancel()
        return response.ok ? String(response.headers.get('x-version')) : String(response.status)
      }),
    )
    return [...new Set(found)].sort()
  }

  sql(database: string, text: string, values?: unknown[]) {
    return this.stack.sql(database, text, values)
  }

  /** A change that the synchronisation does not see, and so does not carry over. */
  quietly(database: string, text: string) {
    return this.sql(database, `begin; set local sluice.sync = 'on'; ${text}; commit`)
  }

  /** The command, as a person types it. */
  sluice(...words: string[]): Promise<Result> {
    const { stack } = this
    const where = ['-s', 'e2e', '--cwd', stack.folder]
    return stack.run(join(checkout, 'cli', 'sluice'), ...words, ...where)
  }
}
