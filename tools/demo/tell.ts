// What the demo tells: a timeline, each entry with the time since the beginning.
import { styleText } from 'node:util'

const MARGIN = 8

/** Lines of an entry: what is typed stands out, and so does what went wrong or well. */
type Tone = 'plain' | 'bad' | 'good'

const began = performance.now()

/** Adds an entry to the timeline; its further lines stand below its first. */
export function say(text: string, tone: Tone = 'plain'): void {
  const { isTTY, columns } = process.stdout
  const width = Math.max(40, (isTTY && columns ? columns : 100) - MARGIN)
  const colour = isTTY && !process.env['NO_COLOR']
  const lines = text.split('\n').flatMap((line, index) => {
    const style = line.startsWith('$ ') ? 'bold' : index > 0 || tone === 'plain' ? '' : STYLES[tone]
    return wrap(line, width).map((part) =>
      colour && style ? styleText(style, part, { validateStream: false }) : part,
    )
  })
  const [first = '', ...rest] = lines
  const written = [
    `${elapsed().padStart(MARGIN - 2)}  ${first}`,
    ...rest.map((line) => `${' '.repeat(MARGIN)}${line}`),
  ]
  process.stdout.write(`${written.join('\n')}\n`)
}

const STYLES = { bad: 'red', good: 'green' } as const

/** `1:39` */
export function elapsed(): string {
  const seconds = Math.floor((performance.now() - began) / 1_000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

/** Breaks a line at its spaces; what follows is set in by two. A word that is longer stays whole. */
export function wrap(line: string, width: number): string[] {
  const lines: string[] = []
  let rest = line
  for (;;) {
    const indent = lines.length === 0 ? '' : '  '
    const room = width - indent.length
    const fits = rest.length <= room ? -1 : rest.lastIndexOf(' ', room)
    const at = rest.length > room && fits <= 0 ? rest.indexOf(' ') : fits
    if (at <= 0) return [...lines, indent + rest]
    lines.push(indent + rest.slice(0, at))
    rest = rest.slice(at + 1).trimStart()
  }
}
