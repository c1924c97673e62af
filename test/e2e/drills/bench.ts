import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { expect } from 'vitest'
import { type Evaluate, evaluator } from '../../../examples/flags.ts'
import { type LoadPath, startLoad } from '../../../examples/load.ts'
import { FileStore, readEvents } from '../../../platforms/local/file-store.ts'
import { databaseUrl } from '../../../platforms/local/layout.ts'
import type { RolloutEvent } from '../../../platforms/store.ts'
import type { Journal } from '../../../rollout/journal.ts'
import type { Latch } from '../../../rollout/latch.ts'
import type { ColourName, PlanInput } from '../../../rollout/plan.ts'
import { findPosition, type Position, positionsOf } from '../../../rollout/positions.ts'
import type { Refusal } from '../../../rollout/refusal.ts'
import { urlOf } from '../../../rollout/services.ts'
import { greenOf, type ServiceWeights } from '../../../rollout/weights.ts'
import { checkout } from '../../../tools/checkout.ts'
import { Migration, type MigrationOptions } from '../migrations/migration.ts'
import type { Result, TestStack } from '../test-stack.ts'

/** How a plan is cut for a drill: what is drilled stays as the plan has it. */
export type Variants = Record<string, (plan: PlanInput) => PlanInput>

export interface BenchOptions extends Omit<MigrationOptions, 'edit'> {
  /** The first is deployed first. */
  variants: Variants
  /** What runs beside the stack: systems outside that the plan asks for. */
  beside?: (bench: Bench) => Promise<() => Promise<unknown>>
}

/** One deployed stack on which one drill comes after the other. */
export class Bench {
  readonly migration: Migration
  readonly #options: BenchOptions
  readonly #variants: Variants
  readonly #base: PlanInput
  readonly #store: FileStore
  readonly #undo: (() => unknown)[] = []
  #variant: string
  #edition = 0
  #began = new Date().toISOString()
  #newsBegan = 0
  #refused = false

  private constructor(migration: Migration, base: PlanInput, options: BenchOptions) {
    const { variants } = options
    this.#options = options
    this.migration = migration
    this.#base = base
    this.#variants = variants
    this.#variant = Object.keys(variants)[0] as string
    this.#store = new FileStore(migration.stack.layout)
  }

  static async create(options: BenchOptions): Promise<Bench> {
    const { variants, beside, ...rest } = options
    let base: PlanInput | undefined
    const first = Object.values(variants)[0] as Variants[string]
    const migration = await Migration.create({
      ...rest,
      edit: (plan) => {
        base = working(plan)
        return first(base)
      },
    })
    const bench = new Bench(migration, base as PlanInput, options)
    if (beside) migration.beside(await beside(bench))
    await migration.deploy()
    return bench
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

  /** Heals what a drill broke, whatever came of it. */
  async heal(): Promise<void> {
    const { plan } = this.stack
    const urls = Object.keys(plan.services).flatMap((service) =>
      (['blue', 'green'] as const).map((colour) => urlOf(plan, service, colour, '/faults')),
    )
    await Promise.all(
      [...new Set(urls)].map((url) => url && fetch(url, { method: 'DELETE' }).catch(() => {})),
    )
    for (const undo of this.#undo.splice(0).reverse()) await undo()
  }

  /** Run when the drill is over. */
  afterwards(undo: () => unknown): void {
    this.#undo.push(undo)
  }

  /** @throws where the example does not know such a fault */
  async fault(service: string, faults: Record<string, number>, colour: ColourName = 'green') {
    const url = urlOf(this.stack.plan, service, colour, '/faults') as string
    const response = await fetch(url, { method: 'PUT', body: JSON.stringify(faults) })
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`)
    await response.body?.cancel()
  }

  /** Brings the rollout to a position: acknowledges what was rolled back, goes down or up. */
  async at(position: string, variant = Object.keys(this.#variants)[0] as string): Promise<void> {
    await this.into(variant)
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    const standing = (await this.journal()).verified.position
    if (names.indexOf(position) < names.indexOf(standing)) await this.up({ step: position })
    else await this.migration.goTo(position, standing, 180)
    if (position !== 'start') await this.settled()
  }

  /** Its bake is over and its gates have passed: what is broken now is seen by guardrails alone. */
  async settled(): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      `the bake before ${next} to be over, and its gates passed`,
      async () => {
        const codes = (await this.stack.held(next)).map(({ code }) => code)
        return !['bake', 'gate', 'evidence'].some((code) => codes.includes(code as 'bake'))
      },
      120,
    )
  }

  /** Back at start, under whatever is deployed. */
  async atStart(): Promise<void> {
    const { latched, trip } = await this.landed()
    if (latched && trip) await this.recover()
    if ((await this.journal()).verified.position !== 'start') await this.up({ step: 'start' })
  }

  /** Another cut of the plan is deployed, at start; what was rolled back is acknowledged. */
  async into(variant: string): Promise<void> {
    if (this.#variant === variant) return this.recover()
    const { latched, trip } = await this.landed()
    if (latched && trip?.landing !== 'start') await this.recover()
    const { position } = (await this.journal()).verified
    if (position !== 'start') await this.up({ step: 'start' })
    await this.anew(variant)
    this.#variant = variant
  }

  /** At start: the plan under a new hash, so that every gate is judged once more. */
  async anew(variant = this.#variant): Promise<void> {
    this.#edition++
    const edit = this.#variants[variant]
    if (!edit) throw new Error(`there is no variant ${variant}`)
    const plan = edit(this.#base)
    const retire = { ...plan.retire, after: `${24 + this.#edition}h` }
    await this.stack.writePlan({ ...plan, retire })
    const { latched, trips, attempt } = await this.landed()
    const next = latched ? trips + 1 : attempt
    await this.up({ attempt: next, step: 'start', confirmed: this.#confirmed(next) })
  }

  /** The latch, when nothing is on its way down any more. */
  async landed(): Promise<Latch> {
    await this.stack.until('the descent to end', async () => !(await this.latch()).descent)
    return this.latch()
  }

  /** An update that must work. */
  async up(values: Record<string, unknown>): Promise<void> {
    const { code, output } = await this.stack.set(values).up()
    if (code !== 0) throw new Error(output)
  }

  /** Begins the next attempt where the last one was rolled back. */
  async recover(): Promise<void> {
    const { latched, trips, trip } = await this.landed()
    if (!latched) return
    const attempt = trips + 1
    await this.up({ attempt, step: trip?.landing, confirmed: this.#confirmed(attempt) })
  }

  /** Every position, as a person who has nothing against any of them answers. */
  #confirmed(attempt: number): string[] {
    const names = positionsOf(this.stack.plan).map(({ name }) => name)
    return attempt === 1 ? names : names.map((name) => `${name}#${attempt}`)
  }

  /** Nobody has confirmed anything. */
  unconfirmed(): void {
    this.stack.set({ confirmed: [] })
    this.afterwards(async () => {
      const { attempt } = await this.latch()
      this.stack.set({ confirmed: this.#confirmed(attempt) })
    })
  }

  async latch(): Promise<Latch> {
    const latch = await this.#store.readLatch()
    if (!latch) throw new Error('the latch is lost')
    return latch
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

  /** Nothing holds a position. */
  async ready(name: string): Promise<void> {
    await this.stack.until(
      `nothing to hold ${name}`,
      async () => (await this.stack.held(name)).length === 0,
      180,
    )
  }

  /** What the plan runs before its first step has run. */
  async prepared(): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      'the operations before the first step',
      async () => (await this.stack.held(next)).every(({ code }) => code !== 'operation'),
      120,
    )
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
    const { layout } = this.stack
    return readEvents(layout, 2_000).filter(
      (event) => event.kind === kind && event.at >= this.#began,
    )
  }

  /** What people were told since the drill began. */
  get news(): string[] {
    return this.migration.news.slice(this.#newsBegan)
  }

  /** Who was told something since the drill began, by the variables of their channels. */
  readersOf(what: RegExp): string[] {
    const told = this.news.filter((text) => what.test(text))
    return [...new Set(told.map((text) => text.split(':')[0] as string))].sort()
  }

  /** Waits until the rollout has stood where it stands for so long under guard. */
  async stood(ms: number): Promise<void> {
    await this.stack.until('the rollout to stand', async () => {
      return (await this.journal()).guardedMs >= ms
    })
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

  async sql(database: string, text: string, values?: unknown[]) {
    const client = new pg.Client(databaseUrl(this.stack.layout, database))
    await client.connect()
    try {
      const { rows } = await client.query(text, values)
      return rows as Record<string, unknown>[]
    } finally {
      await client.end()
    }
  }

  /** Users ask for something else from now on, each path as often as before, until the drill ends. */
  async asking(paths: LoadPath[]): Promise<void> {
    const { rate = 100, paths: before } = this.#options
    const change = async (now: LoadPath[]) => {
      await this.migration.load.stop()
      const rated = (rate * now.length) / before.length
      this.migration.load = startLoad({
        url: this.stack.url,
        rate: rated,
        seconds: 3_000,
        paths: now,
      })
    }
    this.afterwards(() => change(before))
    await change(paths)
  }

  /** The file of flags as another hand wrote it: one of them is on for everybody. */
  async flagByHand(flag: string): Promise<void> {
    const file = this.stack.layout.flags
    const text = readFileSync(file, 'utf8')
    this.afterwards(() => writeFileSync(file, text))
    const read = JSON.parse(text) as { flags: Record<string, object> }
    read.flags[flag] = { ...read.flags[flag], defaultVariant: 'on', targeting: {} }
    writeFileSync(file, JSON.stringify(read))
  }

  /** A change that the synchronisation does not see, and so does not carry over. */
  quietly(database: string, text: string) {
    return this.sql(database, `begin; set local sluice.sync = 'on'; ${text}; commit`)
  }

  /**
   * Holds a table of a database against writers; readers read on.
   * @returns lets it go, which the end of the drill does too
   */
  async locked(database: string, table: string): Promise<() => Promise<void>> {
    const client = new pg.Client(databaseUrl(this.stack.layout, database))
    await client.connect()
    await client.query(`begin; lock table ${table} in share row exclusive mode`)
    let held = true
    const release = async () => {
      if (held) await client.end()
      held = false
    }
    this.afterwards(release)
    return release
  }

  /** The command, as a person types it. */
  sluice(...words: string[]): Promise<Result> {
    const { stack } = this
    const where = ['-s', 'e2e', '--cwd', stack.folder]
    return stack.run(join(checkout, 'cli', 'sluice'), ...words, ...where)
  }

  /** Waits until something of this place holds the next position, and gives it. */
  async holds(place: string, what = /./, seconds = 80): Promise<Refusal> {
    const next = await this.next()
    let found: Refusal | undefined
    await this.stack.until(
      `${place} to hold ${next}`,
      async () => {
        const refusals = await this.stack.held(next)
        found = refusals.find((each) => each.place === place && what.test(each.message))
        return found !== undefined
      },
      seconds,
    )
    await this.refusesOnce(next)
    return found as Refusal
  }

  /** Waits until nothing of this place holds the next position any more. */
  async holdsNoMore(place: string, seconds = 80): Promise<void> {
    const next = await this.next()
    await this.stack.until(
      `${place} to hold ${next} no more`,
      async () => (await this.stack.held(next)).every((each) => each.place !== place),
      seconds,
    )
  }

  /** The engine itself is refused; once a plan, as every refusal comes the same way. */
  async refusesOnce(next: string): Promise<void> {
    if (this.#refused) return
    this.#refused = true
    const before = await this.weights()
    const standing = (await this.journal()).verified.position
    const up = await this.stack.set({ step: next }).up()
    expect(up.code, up.output).not.toBe(0)
    expect(await this.weights()).toEqual(before)
    this.stack.set({ step: standing })
  }
}

/** Every service takes 20 ms: what a drill makes slow is far from it, and few requests wait at a time. */
function working(plan: PlanInput): PlanInput {
  const edited = structuredClone(plan)
  for (const { blue, green } of Object.values(edited.services)) {
    for (const colour of [blue, green]) {
      if (colour === 'none' || colour.command === undefined) continue
      colour.environment = { ...colour.environment, EXAMPLE_WORK: '20' }
    }
  }
  return edited
}
