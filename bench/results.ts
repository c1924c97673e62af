import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'

/** What one bench found, as Markdown. */
export interface Section {
  title: string
  /** Paragraphs and tables, in their order. */
  parts: string[]
}

const file = join(import.meta.dirname, 'results.md')

/** A table in Markdown; every column but the first stands to the right. */
export function table(head: string[], rows: (string | number)[][]): string {
  const line = (cells: (string | number)[]) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, index) => (index === 0 ? '---' : '--:'))
  return [line(head), line(rule), ...rows.map(line)].join('\n')
}

/** The section as text. */
export function sectionText({ title, parts }: Section): string {
  return [`## ${title}`, ...parts].join('\n\n')
}

/** Puts a section into results.md in the place of the last one of that name; the others stay. */
export function keep(name: string, order: string[], section: Section): void {
  const sections = existsSync(file) ? read(readFileSync(file, 'utf8')) : new Map<string, string>()
  const when = new Date().toISOString().slice(0, 10)
  sections.set(name, `${sectionText(section)}\n\n${machine()}, ${when}.`)
  const parts = order.flatMap((each) => {
    const text = sections.get(each)
    return text === undefined ? [] : [`${marker(each)}\n${text}`]
  })
  writeFileSync(file, `${['# Measured', INTRODUCTION, ...parts].join('\n\n')}\n`)
}

const INTRODUCTION =
  'Written by `npm run bench`; a part is run again by `npm run bench <name>`. Each figure stands ' +
  'beside a control from the same run, as machines differ.'

const marker = (name: string) => `<!-- ${name} -->`

function read(text: string): Map<string, string> {
  const parts = text.split(/^<!-- (\w+) -->\n/m)
  const sections = new Map<string, string>()
  for (let index = 1; index < parts.length; index += 2) {
    sections.set(parts[index] as string, (parts[index + 1] as string).trim())
  }
  return sections
}

function machine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30)
  const model = cpus()[0]?.model.trim() || process.arch
  return `${availableParallelism()} cores (${model}), ${gigabytes} GB, shared with other work, ${process.platform}, Node ${process.versions.node}`
}
