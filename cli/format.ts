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

/**
 * A table whose lines are at most `width` long: cells of the widest columns go on below themselves,
 * broken at blanks, and where a word is too long, after `+`, `/`, `,` or anywhere.
 */
export function formatWrapped(rows: readonly (readonly string[])[], width: number): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(0, ...rows.map((row) => visible(row[column] ?? ''))),
  )
  // Bit by bit off the widest, so that the narrow ones stay whole.
  const total = () => widths.reduce((sum, each) => sum + each, 0) + 2 * (count - 1)
  while (total() > width && Math.max(...widths) > 8) {
    const widest = widths.indexOf(Math.max(...widths))
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  const wrapped = rows.flatMap((row) => {
    const cells = widths.map((most, column) => wrap(row[column] ?? '', most))
    const height = Math.max(1, ...cells.map((lines) => lines.length))
    return Array.from({ length: height }, (_, line) => cells.map((lines) => lines[line] ?? ''))
  })
  return formatTable(wrapped)
}

/** A table in GitHub's Markdown. */
export function formatMarkdown(rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`
  const [heading = [], ...rest] = rows
  return [line(heading), line(heading.map(() => '---')), ...rest.map(line)]
}

const visible = (text: string) => stripVTControlCharacters(text).length

function wrap(text: string, width: number): string[] {
  if (visible(text) <= width) return [text]
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ').flatMap((each) => pieces(each, width))) {
    const joined = line === '' || word.glued ? line + word.text : `${line} ${word.text}`
    if (visible(joined) <= width) {
      line = joined
      continue
    }
    if (line !== '') lines.push(line)
    line = word.text
  }
  if (line !== '') lines.push(line)
  return lines
}

/** A word in pieces no longer than the width, each after the first glued to the one before. */
function pieces(word: string, width: number): { text: string; glued: boolean }[] {
  if (visible(word) <= width) return [{ text: word, glued: false }]
  const parts = word
    .split(/(?<=[+/,])/)
    .flatMap((part) => part.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [])
  return parts.map((text, index) => ({ text, glued: index > 0 }))
}
