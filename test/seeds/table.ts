import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadPlan } from '../../platforms/plan-file.ts'
import { parseDuration } from '../../rollout/duration.ts'
import { parseThreshold } from '../../rollout/threshold.ts'
import { checkout } from '../../tools/checkout.ts'
import { titlesOf } from './titles.ts'

/** A sentence of a document that a machine can act on: a line of `<name>.md`. */
export interface Row {
  /** The heading it stands below. */
  heading: string
  sentence: string
  /** The field of the plan that says it, and what it says, as a plan writes it. */
  field: string
  value: unknown
  /**
   * The test of its effect: `file: title`, the file below test/ without its ending, the title as it
   * stands there, whole; or `open`.
   */
  proof: string
}

/** The rows of a document's table. */
export function rowsOf(name: string): Row[] {
  const text = readFileSync(join(import.meta.dirname, `${name}.md`), 'utf8')
  return text
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| --'))
    .slice(1)
    .map((line) => {
      const [, heading = '', sentence = '', field = '', value = '', proof = ''] = line
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|'))
      return { heading, sentence, field, value: parse(value), proof }
    })
}

/** Holds every row of a document's table against its plan and against the tests. */
export function seedTable(name: string): void {
  const rows = rowsOf(name)
  describe(`the document of ${name}`, async () => {
    const { plan } = await loadPlan(join(checkout, 'stacks', `${name}.plan.yaml`))

    it.each(rows)('says it in a field: $heading: $sentence', ({ field, value }) => {
      const found = field.split('.').reduce<unknown>(member, plan)
      expect(found, field).toEqual(asParsed(value, found))
    })

    it.each(rows)('has a proof, or is open: $heading: $sentence', ({ sentence, proof }) => {
      if (proof === 'open') {
        const open = readFileSync(join(import.meta.dirname, 'open.md'), 'utf8')
        return expect(open).toContain(sentence)
      }
      const [file = '', title = ''] = proof.split(/: (.*)/s)
      expect(titlesOf(file)).toContain(title)
    })

    it('has no sentence twice', () => {
      const sentences = rows.map(({ heading, sentence }) => `${heading}: ${sentence}`)
      expect(sentences.filter((each, index) => sentences.indexOf(each) !== index)).toEqual([])
    })
  })
}

function member(value: unknown, key: string): unknown {
  return (value as Record<string, unknown> | undefined)?.[key]
}

/** What a plan writes, as a plan that was read has it: 24h is milliseconds, 5% a share. */
function asParsed(value: unknown, found: unknown): unknown {
  if (typeof found === 'number' && typeof value === 'string') {
    return value.endsWith('%') ? Number.parseFloat(value) / 100 : parseDuration(value)
  }
  const threshold = typeof found === 'object' && found !== null && 'kind' in found
  return threshold ? parseThreshold(value as string | number) : value
}
