import { z } from 'zod'
import { firstOf, type Judgement } from './judgement.ts'
import { show } from './parity.ts'
import { path } from './schema/words.ts'

/** A request, and what green must answer to it. */
const ruleCase = z.strictObject({
  name: z.string().min(1),
  request: z.strictObject({
    method: z
      .string()
      .regex(/^[A-Z]{3,10}$/, { error: 'give a method, such as POST' })
      .default('GET'),
    path,
    headers: z.record(z.string(), z.string()).default({}),
    /** A text as it is; anything else as JSON. */
    body: z.json().optional(),
  }),
  expect: z
    .strictObject({
      status: z.int().min(100).max(599).optional(),
      /** What of the answer must be so: members that are not named may be anything. */
      json: z.json().optional(),
    })
    .refine(({ status, json }) => status !== undefined || json !== undefined, {
      error: 'expects nothing; give a status, or json',
    }),
})

export type RuleCase = z.output<typeof ruleCase>

/** What green answered to a case. */
export interface CaseAnswer {
  status: number
  body: string
}

/** What came of a case. */
export interface CaseResult {
  name: string
  /** What is not as expected, each with both values; none: it passed. */
  failures: string[]
  /** Why there was no answer at all. */
  error?: string
}

/**
 * Reads a list of cases as its YAML said it.
 * @param file its name, for messages
 * @throws Error with every mistake, a line each: file, place, what to do
 */
export function parseCases(value: unknown, file: string): RuleCase[] {
  const parsed = z
    .array(ruleCase)
    .min(1, { error: 'has no case; give { name, request, expect }' })
    .safeParse(value)
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map(
      ({ path: at, message }) => `${file}: ${at.length > 0 ? `${placeOf(at)}: ` : ''}${message}`,
    )
    throw new Error(mistakes.join('\n'))
  }
  const names = parsed.data.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new Error(`${file}: two cases are called "${twice}"; rename one`)
  return parsed.data
}

/** Where an answer is not what a case expects; nothing where it is. */
export function checkCase({ expect }: RuleCase, answer: CaseAnswer): string[] {
  const failures: string[] = []
  if (expect.status !== undefined && answer.status !== expect.status) {
    failures.push(`status ${answer.status}, expected ${expect.status}`)
  }
  if (expect.json === undefined) return failures
  let found: unknown
  try {
    found = JSON.parse(answer.body)
  } catch {
    return [...failures, `no JSON but ${show(answer.body)}, expected ${show(expect.json)}`]
  }
  return [...failures, ...missing(expect.json, found, '$')]
}

/** Judges a table of cases: every one must pass; one without an answer leaves it open. */
export function judgeCases(results: readonly CaseResult[]): Judgement {
  const total = results.length
  if (total === 0) return { result: 'inconclusive', reason: 'no case was asked' }
  const failed = results.filter(({ error, failures }) => !error && failures.length > 0)
  const open = results.filter(({ error }) => error !== undefined)
  const numbers = `${total - failed.length - open.length} of ${total} cases were answered as expected`
  const named = (ones: readonly CaseResult[]) =>
    firstOf(ones.map(({ name, failures, error }) => `${name}: ${error ?? failures.join(', ')}`))
  if (failed.length > 0) return { result: 'failed', reason: `${numbers}; ${named(failed)}` }
  if (open.length > 0) return { result: 'inconclusive', reason: `${numbers}; ${named(open)}` }
  return { result: 'passed', reason: numbers }
}

/** Lists have the same length, objects may have more members, anything else is the same. */
function missing(expected: unknown, found: unknown, at: string): string[] {
  const differs = [`${at} is ${show(found)}, expected ${show(expected)}`]
  if (Array.isArray(expected)) {
    if (!Array.isArray(found) || found.length !== expected.length) return differs
    return expected.flatMap((one, index) => missing(one, found[index], `${at}[${index}]`))
  }
  if (typeof expected === 'object' && expected !== null) {
    if (typeof found !== 'object' || found === null || Array.isArray(found)) return differs
    return Object.entries(expected).flatMap(([key, one]) =>
      missing(
        one,
        Object.hasOwn(found, key) ? (found as Record<string, unknown>)[key] : undefined,
        `${at}.${key}`,
      ),
    )
  }
  return expected === found ? [] : differs
}

function placeOf(keys: readonly PropertyKey[]): string {
  return keys.map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`)).join('')
}
