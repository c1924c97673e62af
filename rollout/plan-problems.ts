import { z } from 'zod'
import { planSchema } from './plan.ts'
import { isMapping, type Keys, schemaAt, valueAt } from './plan-parts.ts'

/** One mistake of a plan, before its place is written out. */
export interface Finding {
  keys: Keys
  message: string
}

/** Stands for "the schema says nothing of its own": the wording is then made here. */
const OURS = '\u0000'
const OTHER_TYPES = new Set(['invalid_type', 'invalid_union'])

type Issue = z.core.$ZodIssue

/** What of a plan has the wrong shape: one finding a mistake, in the words of the plan. */
export function shapeFindings(raw: unknown): Finding[] {
  const parsed = planSchema.safeParse(raw, { reportInput: true, error: () => OURS })
  const issues = parsed.success ? [] : withoutSlips(parsed.error.issues)
  return [...protoFindings(raw), ...issues.flatMap((issue) => findingsOf(raw, issue, issue.path))]
}

function findingsOf(raw: unknown, issue: Issue, path: readonly PropertyKey[]): Finding[] {
  const keys = path.map((key) => (typeof key === 'number' ? key : String(key)))
  const value = valueAt(raw, keys)
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => ({ keys: [...keys, key], message: unknownKey(keys, key) }))
    case 'invalid_key':
      return [
        {
          keys,
          message: `${show(String(keys.at(-1)))} is no good name; ${issue.issues[0]?.message ?? ''}`,
        },
      ]
    case 'invalid_union': {
      const meant = meantBranch(issue.errors, isMapping(value))
      const [word] = meant ?? []
      if (word?.code === 'invalid_value' && word.path.length === 0) {
        const words = word.values.map(String)
        return [{ keys, message: doesNotFit(value, adviceFor(issue, keys), words) }]
      }
      const isEmpty = isMapping(value) && Object.keys(value).length === 0
      if (meant && !isEmpty) {
        return withoutSlips(meant).flatMap((inner) =>
          findingsOf(raw, inner, [...path, ...inner.path]),
        )
      }
      return [{ keys, message: wrongKind(value, adviceFor(issue, keys)) }]
    }
    case 'invalid_type':
      return [{ keys, message: wrongKind(value, adviceFor(issue, keys)) }]
    case 'too_small':
    case 'too_big':
      return [{ keys, message: outOfRange(value, issue, adviceFor(issue, keys)) }]
    case 'invalid_value':
      return [
        { keys, message: doesNotFit(value, adviceFor(issue, keys), issue.values.map(String)) },
      ]
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_element':
    case 'custom':
      return [{ keys, message: doesNotFit(value, adviceFor(issue, keys)) }]
    default:
      return issue satisfies never
  }
}

/** Of the branches that have the kind of what was given, the one that knows most of its keys. */
function meantBranch(branches: readonly Issue[][], isObject: boolean): Issue[] | undefined {
  const strange = (branch: Issue[]) => {
    const known = withoutSlips(branch)
    const unknown = unknownKeys(known).length
    // A missing key that was only misspelt counts for the branch.
    return unknown - (branch.length - known.length)
  }
  const isOther = ({ code, path }: Issue) =>
    path.length === 0 && (OTHER_TYPES.has(code) || (isObject && code === 'invalid_value'))
  return branches
    .filter((branch) => !branch.some(isOther))
    .sort((a, b) => strange(a) - strange(b))[0]
}

/** A key that is missing because it was misspelt is one mistake, not two. */
function withoutSlips(issues: readonly Issue[]): Issue[] {
  const unknown = unknownKeys(issues)
  return issues.filter(({ code, path, input }) => {
    const key = String(path.at(-1))
    const within = path.slice(0, -1).join('.')
    const isMissing = OTHER_TYPES.has(code) && input === undefined
    return !isMissing || !unknown.some((one) => one.at === within && nearest(one.key, [key]))
  })
}

function unknownKeys(issues: readonly Issue[]): { at: string; key: string }[] {
  return issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ at: issue.path.join('.'), key }))
      : [],
  )
}

function adviceFor(issue: Issue, keys: Keys): string {
  if (issue.message !== OURS) return issue.message
  const found = schemaAt(keys)
  if (!found) return 'leave it out'
  const about = found.description ? ` (${found.description})` : ''
  return `give ${expected(found.schema)}${about}`
}

/** What a schema wants, in words. */
function expected(schema: z.ZodType): string {
  if (schema instanceof z.ZodString) return 'text'
  if (schema instanceof z.ZodArray) return 'a list with at least one entry'
  if (schema instanceof z.ZodRecord) return 'a mapping with a name for each entry'
  if (schema instanceof z.ZodEnum) return oneOf(schema.options.map(String))
  if (schema instanceof z.ZodLiteral) return oneOf([...schema.values].map(String))
  if (schema instanceof z.ZodNumber) {
    if (!schema.isInt) return 'a number'
    const { minValue, maxValue } = schema
    return (maxValue ?? 0) < Number.MAX_SAFE_INTEGER
      ? `a whole number from ${minValue} to ${maxValue}`
      : `a whole number, ${minValue} or more`
  }
  if (schema instanceof z.ZodUnion) {
    return oneOf(schema.options.map((option) => expected(option as z.ZodType)))
  }
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape) as [string, z.ZodType][]
    const required = fields.filter(([, field]) => !field.safeParse(undefined).success)
    const named = required.length > 0 ? required : fields
    return `a mapping with ${oneOf(
      named.map(([key]) => key),
      required.length > 0 ? 'and' : 'or',
    )}`
  }
  return 'something else'
}

function wrongKind(value: unknown, advice: string): string {
  if (value === undefined) return `is missing; ${advice}`
  if (value === null) return `is empty; ${advice}`
  if (hidesValue(advice)) return `what was given is no such name and is not shown; ${advice}`
  if (typeof value === 'string') return `${show(value)} is text; ${advice}`
  if (typeof value === 'boolean') return `${value} is neither text nor a number; ${advice}`
  if (typeof value !== 'number') return `${show(value)} was given; ${advice}`
  if (advice.startsWith('give text')) return `${value} is a number; ${advice}, in quotes`
  if (!Number.isFinite(value)) return `${value} cannot be used; ${advice}`
  const wantsNumber = /^give (a number|a whole number)/.test(advice)
  return wantsNumber ? `${value} is not whole; ${advice}` : `${value} is a bare number; ${advice}`
}

function doesNotFit(value: unknown, advice: string, words: readonly string[] = []): string {
  if (value === undefined || value === null) return wrongKind(value, advice)
  if (hidesValue(advice)) return `what was given is no such name and is not shown; ${advice}`
  const near = typeof value === 'string' ? nearest(value, words) : undefined
  const hint = near ? `did you mean ${near}? ` : ''
  return advice.startsWith('give ')
    ? `${show(value)} does not fit; ${hint}${advice}`
    : `${show(value)} ${advice}`
}

function outOfRange(
  value: unknown,
  issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig,
  advice: string,
): string {
  if (Array.isArray(value) && value.length > 0 && issue.code === 'too_small') {
    const least = `at least ${issue.minimum} entries`
    return `has ${value.length} of ${least}; ${advice.replace('at least one entry', least)}`
  }
  if (typeof value !== 'number') return `is empty; ${advice}`
  if (
    issue.inclusive === false &&
    value === Number(issue.code === 'too_small' ? issue.minimum : issue.maximum)
  ) {
    return `${value} cannot be; ${advice}`
  }
  return issue.code === 'too_small'
    ? `${value} is below ${issue.minimum}; ${advice}`
    : `${value} is above ${issue.maximum}; ${advice}`
}

/** Where a name of a variable is wanted, what stands there instead may be a secret. */
function hidesValue(advice: string): boolean {
  return advice.startsWith('give the name of an environment variable')
}

function unknownKey(keys: Keys, key: string): string {
  const schema = keys.length === 0 ? planSchema : schemaAt(keys)?.schema
  const options = schema instanceof z.ZodUnion ? schema.options : [schema]
  const known = options.flatMap((one) => (one instanceof z.ZodObject ? Object.keys(one.shape) : []))
  // Of a union: it is a word of another kind of the same.
  if (known.includes(key)) return 'does not go with what stands beside it; take one of them out'
  const many = `rollout/plan.schema.json lists the ${known.length} words that are`
  return `is not known here; ${knownWords(key, known, many)}`
}

/** A list that is longer than this is not read. */
const READABLE = 8

/**
 * What could have been meant: the nearest word first, all of them only where they are few.
 *
 * @param many said instead where they are not and none is near
 */
export function knownWords(word: string, known: readonly string[], many: string): string {
  const near = nearest(word, known)
  const hint = near ? `did you mean ${near}?` : ''
  if (known.length > READABLE) return hint || many
  return `${hint ? `${hint} ` : ''}known: ${known.join(', ') || 'none'}`
}

/** The known word that was probably meant, if one is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > 60) return undefined
  const ranked = known
    .map((candidate) => ({ candidate, distance: distance(word.toLowerCase(), candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  if (!ranked) return undefined
  return ranked.distance <= Math.max(1, Math.floor(word.length / 3)) ? ranked.candidate : undefined
}

function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, (row[j - 1] ?? 0) + change))
    }
    row = next
  }
  return row[b.length] ?? 0
}

/** A value as it was given, short enough for one line. */
export function show(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value)
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      if (value === null) return 'nothing'
      return Array.isArray(value) ? `a list of ${value.length}` : 'a mapping'
    default:
      return `a ${typeof value}`
  }
}

function oneOf(words: string[], last = 'or'): string {
  if (words.length < 2) return words.join('')
  return `${words.slice(0, -1).join(', ')} ${last} ${words.at(-1)}`
}

/** zod passes `__proto__` over in silence; here it is a key like any other, and never a good one. */
function protoFindings(raw: unknown): Finding[] {
  const findings: Finding[] = []
  const seen = new Set<unknown>()
  const open: { value: unknown; keys: Keys }[] = [{ value: raw, keys: [] }]
  while (open.length > 0 && seen.size < 100_000) {
    const { value, keys } = open.pop() as { value: unknown; keys: Keys }
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    // Nothing of a plan lies deeper; what does is an unknown key above.
    if (keys.length > 8) continue
    if (isMapping(value) && Object.hasOwn(value, '__proto__')) {
      findings.push({ keys: [...keys, '__proto__'], message: 'is no name; take it out' })
    }
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__') continue
      open.push({ value: inner, keys: [...keys, Array.isArray(value) ? Number(key) : key] })
    }
  }
  return findings
}
