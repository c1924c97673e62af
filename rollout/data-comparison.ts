import { firstOf, type Judgement } from './judgement.ts'

/** What one database says of one table. */
export interface TableState {
  /** Exact text, as large as it may be. */
  rows: string
  /** Undefined where it was not asked for, or where a column to fingerprint is not there. */
  fingerprint?: string
  /** By name: type, and whether it may be null. */
  columns: Record<string, string>
  /** `PRIMARY KEY (id)` and the like; none where the schema was not asked for. */
  keys: string[]
}

/** Which rows of a table differ, by their key where the table has one. */
export interface RowDifferences {
  /** In blue and not in green: the key, and the fingerprint of blue's row. */
  lost: Map<string, string>
  /** In both and not the same: the key, and both fingerprints. */
  changed: Map<string, string>
  /** In green and not in blue. */
  added: Map<string, string>
}

export type Aspect = 'count' | 'fingerprint' | 'schema'

/** What of a table is not alike. */
export interface TableDifference {
  table: string
  what: string
  /** True where rows of blue are not in green. */
  lost: boolean
}

/**
 * What of one table differs.
 * @param rows looked at where the figures differ; undefined where that was not possible
 */
export function compareTable(
  table: string,
  blue: TableState | undefined,
  green: TableState | undefined,
  by: readonly Aspect[],
  rows?: RowDifferences,
): TableDifference[] {
  const say = (what: string, lost = false): TableDifference => ({ table, what, lost })
  if (!blue) return [say('is not in blue')]
  if (!green) return [say(`is not in green, with ${blue.rows} rows`, BigInt(blue.rows) > 0n)]
  const found: TableDifference[] = []
  if (by.includes('schema')) found.push(...compareSchema(blue, green).map((what) => say(what)))
  const absent = Object.keys(blue.columns).filter((name) => !Object.hasOwn(green.columns, name))
  if (by.includes('fingerprint') && !by.includes('schema') && absent.length > 0) {
    found.push(say(`columns that green has not: ${absent.join(', ')}`))
  }
  const differs = {
    count: by.includes('count') && blue.rows !== green.rows,
    fingerprint:
      by.includes('fingerprint') && absent.length === 0 && blue.fingerprint !== green.fingerprint,
  }
  if (!differs.count && !differs.fingerprint) return found
  // Rows that were looked at one by one, and are alike by now: green has caught up.
  const seen = rows && describeRows(rows)
  if (rows && seen?.length === 0) return found
  if (rows && seen) {
    const figures = `${blue.rows} rows in blue, ${green.rows} in green: ${seen.join(', ')}`
    return [...found, say(figures, rows.lost.size > 0)]
  }
  if (blue.rows !== green.rows) {
    const less = BigInt(green.rows) < BigInt(blue.rows)
    const by = less
      ? `${BigInt(blue.rows) - BigInt(green.rows)} lost`
      : `${BigInt(green.rows) - BigInt(blue.rows)} more`
    return [...found, say(`${blue.rows} rows in blue, ${green.rows} in green: ${by}`, less)]
  }
  return [
    ...found,
    say(
      `${blue.rows} rows in both, but fingerprint ${blue.fingerprint} in blue, ${green.fingerprint} in green: rows were changed`,
    ),
  ]
}

/**
 * Since when each difference has been seen as it is now: a row of blue that changes again begins anew,
 * as green cannot have followed it yet.
 * @param before of the look before; empty at the first
 * @param at ms of a clock that never goes back
 */
export function ageDifferences(
  before: ReadonlyMap<string, number>,
  now: RowDifferences,
  at: number,
): Map<string, number> {
  return new Map(signsOf(now).map(({ sign }) => [sign, before.get(sign) ?? at]))
}

/** What has differed for so long: what green only had not followed yet is not among it. */
export function lastingDifferences(
  now: RowDifferences,
  since: ReadonlyMap<string, number>,
  until: number,
): RowDifferences {
  const kept: RowDifferences = { lost: new Map(), changed: new Map(), added: new Map() }
  for (const { kind, key, row, sign } of signsOf(now)) {
    if ((since.get(sign) ?? Number.POSITIVE_INFINITY) <= until) kept[kind].set(key, row)
  }
  return kept
}

function signsOf(differences: RowDifferences) {
  return (['lost', 'changed', 'added'] as const).flatMap((kind) =>
    [...differences[kind]].map(([key, row]) => ({ kind, key, row, sign: `${kind} ${row} ${key}` })),
  )
}

/**
 * Which rows differ.
 * @param blue the fingerprint of each row, by its key
 */
export function compareRows(
  blue: ReadonlyMap<string, string>,
  green: ReadonlyMap<string, string>,
): RowDifferences {
  const found: RowDifferences = { lost: new Map(), changed: new Map(), added: new Map() }
  for (const [key, row] of blue) {
    const other = green.get(key)
    if (other === undefined) found.lost.set(key, row)
    else if (other !== row) found.changed.set(key, `${row} ${other}`)
  }
  for (const [key, row] of green) if (!blue.has(key)) found.added.set(key, row)
  return found
}

/** Judges two databases, table by table. No table is no evidence. */
export function judgeData(
  tables: readonly string[],
  differences: readonly TableDifference[],
  by: readonly Aspect[],
): Judgement {
  if (tables.length === 0) return { result: 'inconclusive', reason: 'blue has no table to compare' }
  const asked = by.join(', ')
  if (differences.length === 0) {
    const what = tables.length === 1 ? 'table is' : 'tables are'
    return { result: 'passed', reason: `${tables.length} ${what} alike by ${asked}` }
  }
  const wrong = new Set(differences.map(({ table }) => table)).size
  const named = differences.map(({ table, what }) => `${table}: ${what}`)
  return {
    result: 'failed',
    reason: `${wrong} of ${tables.length} tables differ by ${asked}; ${firstOf(named, 5)}`,
    ...(differences.some(({ lost }) => lost) ? { lost: true } : {}),
  }
}

function compareSchema(blue: TableState, green: TableState): string[] {
  const names = [...new Set([...Object.keys(blue.columns), ...Object.keys(green.columns)])]
  const columns = names.flatMap((name) => {
    const [a, b] = [blue.columns[name], green.columns[name]]
    if (a === b) return []
    if (b === undefined) return [`column ${name} (${a}) is not in green`]
    if (a === undefined) return [`column ${name} (${b}) is only in green`]
    return [`column ${name} is ${a} in blue, ${b} in green`]
  })
  const keys = [
    ...blue.keys.filter((key) => !green.keys.includes(key)).map((key) => `${key} is not in green`),
    ...green.keys.filter((key) => !blue.keys.includes(key)).map((key) => `${key} is only in green`),
  ]
  return [...columns, ...keys]
}

function describeRows({ lost, changed, added }: RowDifferences): string[] {
  const say = (rows: Map<string, string>, what: string) =>
    rows.size === 0 ? [] : [`${rows.size} ${what} (${firstOf([...rows.keys()])})`]
  return [...say(lost, 'lost'), ...say(changed, 'changed'), ...say(added, 'only in green')]
}
