import { stripVTControlCharacters } from 'node:util'

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
