import { readFileSync, writeFileSync } from 'node:fs'
import pg from 'pg'
import type { LoadPath } from '../../../examples/load.ts'
import { databaseUrl } from '../../../platforms/local/layout.ts'
import type { ColourName } from '../../../rollout/plan.ts'
import { urlOf } from '../../../rollout/services.ts'
import type { Migration, MigrationOptions } from '../migrations/migration.ts'
import { Stand } from './stand.ts'

/** A stack of which things can be broken, and which is whole again after each drill. */
export class Breakable extends Stand {
  readonly #users: Pick<MigrationOptions, 'rate' | 'paths'>
  readonly #undo: (() => unknown)[] = []

  protected constructor(migration: Migration, users: Pick<MigrationOptions, 'rate' | 'paths'>) {
    super(migration)
    this.#users = users
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

  /** Users ask for something else from now on, each path as often as before, until the drill ends. */
  async asking(paths: LoadPath[]): Promise<void> {
    const { rate = 100, paths: before } = this.#users
    const change = async (now: LoadPath[]) => {
      await this.migration.load.stop()
      this.migration.letIn(now, (rate * now.length) / before.length)
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
}
