import { stripVTControlCharacters } from 'node:util'

const UNITS: [string, number][] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
]

/**
 * A span of time for people: its two largest units.
 * @example formatSpan(86_310_000) // '23h 58m'
 */
export function formatSpan(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const whole = Math.round(ms / 1_000) * 1_000
  const at = UNITS.findIndex(([, size]) => whole >= size)
  const [unit, size] = UNITS[at]!
  const rest = UNITS[at + 1]
  const count = Math.floor(whole / size)
  if (!rest) return `${count}${unit}`
  const more = Math.floor((whole % size) / rest[1])
  return more > 0 ? `${count}${unit} ${more}${rest[0]}` : `${count}${unit}`
}

/** Milliseconds of a latency in seconds: `12.4ms`, or a dash where nothing was measured. */
export function formatLatency(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return '-'
  return seconds >= 1 ? `${seconds.toFixed(2)}s` : `${(seconds * 1_000).toFixed(1)}ms`
}

/** Errors of requests in percent, or a dash where nothing was measured. */
export function formatShare(part: number, whole: number): string {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '-'
}

/** Rows below each other, the columns aligned; the first row is the heading. */
export function formatTable(rows: readonly (readonly string[])[], indent = ''): string[] {
  const width = (cell: string) => stripVTControlCharacters(cell).length
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => width(row[column] ?? ''))),
  )
  return rows.map((row) =>
    `${indent}${row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')}`.trimEnd(),
  )
}
