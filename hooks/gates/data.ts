import { type Database, databaseAt } from '../../platforms/local/database.ts'
import {
  type Aspect,
  ageDifferences,
  compareTable,
  judgeData,
  lastingDifferences,
  type TableDifference,
} from '../../rollout/data-comparison.ts'
import type { GateContext, GateKind } from './context.ts'
import { lookAtRows, lookAtTables, tablesOf } from './tables.ts'

/** Writes follow to green a moment later: what differs is looked at again, so long. */
const LOOKS_MS = 3_000
const LOOK_EVERY_MS = 250
/** What differs unchanged for so long is no write on its way. */
const LASTS_MS = 1_500
const DEFAULT: Aspect[] = ['count', 'fingerprint']

/** Two databases whose tables must be alike. */
export const data: GateKind = {
  running: 'compares its tables',
  traffic: false,
  async judge(context) {
    const { gate, stopped } = context
    const by = gate.by ?? DEFAULT
    const blue = await databaseOf(context, 'blue')
    const tables = gate.tables?.map(qualified) ?? (await tablesOf(blue))
    const looks = new Looks(blue, await databaseOf(context, 'green'), by)
    const end = performance.now() + LOOKS_MS
    for (;;) {
      const last = performance.now() > end
      const differences = await looks.at(tables, last)
      if (stopped.aborted) return { result: 'inconclusive', reason: 'the hook stops' }
      if (differences.length === 0 || last) return judgeData(tables, differences, by)
      await new Promise((done) => setTimeout(done, LOOK_EVERY_MS))
    }
  },
}

/** Several looks at two databases, one after the other. */
class Looks {
  readonly #blue: Database
  readonly #green: Database
  readonly #by: readonly Aspect[]
  /** By table: since when each row differs as it does. */
  readonly #since = new Map<string, Map<string, number>>()
  constructor(blue: Database, green: Database, by: readonly Aspect[]) {
    this.#blue = blue
    this.#green = green
    this.#by = by
  }

  /** @param last true to leave out rows that green may still be about to follow */
  async at(tables: readonly string[], last: boolean): Promise<TableDifference[]> {
    const pairs = await lookAtTables(this.#blue, this.#green, tables, this.#by)
    const found: TableDifference[] = []
    for (const { table, blue, green } of pairs) {
      const differences = compareTable(table, blue, green, this.#by)
      const rows =
        differences.length > 0 && blue && green
          ? await lookAtRows(this.#blue, this.#green, table, blue, green)
          : undefined
      if (!rows) {
        found.push(...differences)
        continue
      }
      const now = performance.now()
      const since = ageDifferences(this.#since.get(table) ?? new Map(), rows, now)
      this.#since.set(table, since)
      const kept = last ? lastingDifferences(rows, since, now - LASTS_MS) : rows
      found.push(...compareTable(table, blue, green, this.#by, kept))
    }
    return found
  }
}

/** @throws Error where the variable is not set, or holds no address */
async function databaseOf(
  { gate, plan, around }: GateContext,
  colour: 'blue' | 'green',
): Promise<Database> {
  const compare = gate.compare as NonNullable<GateContext['gate']['compare']>
  const variable = compare[colour].slice('env:'.length)
  const url = await around.variable(plan, variable)
  if (!url) throw new Error(`${variable}, the address of ${colour}'s database, is not set`)
  return databaseAt(url, variable)
}

function qualified(table: string): string {
  return table.includes('.') ? table : `public.${table}`
}
