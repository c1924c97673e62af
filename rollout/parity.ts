import { firstOf, type Judgement, shareText } from './judgement.ts'
import { isMapping } from './plan-parts.ts'

/** An HTTP answer as it is compared. */
export interface Answer {
  status: number
  /** By lower-case name; only content-type is looked at. */
  headers: Record<string, string | undefined>
  body: string
}

/** One place at which two answers differ. */
export interface Difference {
  /** `status`, `content-type`, `body`, or a JSON path such as `$.items[2].price`. */
  path: string
  /** What stands there, cut to a line; `nothing` where there is nothing. */
  blue: string
  green: string
}

/** What came of one request sent to both colours. */
export interface Comparison {
  request: string
  differences: Difference[]
  /** Why it could not be compared: a colour gave no answer at all. */
  error?: string
}

/** Differences listed of one pair of answers; two lists of a thousand differ in a thousand places. */
export const MOST_DIFFERENCES = 20

const LONGEST_TEXT = 80

/**
 * Compares two answers: status, content type, and the body: JSON by its structure, anything else
 * exactly.
 * @param ignore JSON paths of what may differ, such as `$.servedAt` or `$.items[*].id`; `[*]` is any
 *   element of a list and any member of an object
 */
export function compareAnswers(
  blue: Answer,
  green: Answer,
  ignore: readonly string[] = [],
): Difference[] {
  const found: Difference[] = []
  const add = (path: string, one: unknown, other: unknown) => {
    if (found.length < MOST_DIFFERENCES) found.push({ path, blue: show(one), green: show(other) })
  }
  if (blue.status !== green.status) add('status', blue.status, green.status)
  const types = [contentType(blue), contentType(green)] as const
  if (types[0] !== types[1]) add('content-type', types[0], types[1])
  const bodies = [parseJson(blue, types[0]), parseJson(green, types[1])] as const
  if (bodies[0] && bodies[1]) {
    compareValues(bodies[0].value, bodies[1].value, [], ignore.map(segmentsOf), add)
  } else if (blue.body !== green.body) {
    add('body', blue.body, green.body)
  }
  return found
}

/**
 * Judges a parity gate. No request is no evidence; requests that could not be compared leave it open
 * only while they could still decide it.
 * @param identical the share of requests that must have the same answer, 0 to 1
 */
export function judgeParity(results: readonly Comparison[], identical = 1): Judgement {
  const total = results.length
  if (total === 0) return { result: 'inconclusive', reason: 'no request was compared' }
  const open = results.filter(({ error }) => error !== undefined)
  const different = results.filter((one) => one.error === undefined && one.differences.length > 0)
  const same = total - open.length - different.length
  const numbers = `${same} of ${total} requests had the same answer (${shareText(same / total)}), ${shareText(identical)} must`
  // A share is read from text: a hair above what was counted is still the same share.
  const needed = identical * total - 1e-9
  if (same >= needed) return { result: 'passed', reason: numbers }
  if (same + open.length < needed) {
    return { result: 'failed', reason: `${numbers}; ${firstOf(different.map(describeDifferent))}` }
  }
  const errors = firstOf(open.map(({ request, error }) => `${request}: ${error}`))
  return { result: 'inconclusive', reason: `${numbers}; not compared: ${errors}` }
}

export type Segment = string | number

function compareValues(
  blue: unknown,
  green: unknown,
  path: readonly Segment[],
  ignore: readonly string[][],
  add: (path: string, blue: unknown, green: unknown) => void,
): void {
  if (ignore.some((pattern) => matches(pattern, path))) return
  const lists = Array.isArray(blue) && Array.isArray(green)
  const objects = isMapping(blue) && isMapping(green)
  if (!lists && !objects) {
    if (!Object.is(blue, green) || isMapping(blue) || Array.isArray(blue)) {
      add(pathText(path), blue, green)
    }
    return
  }
  const keys: Segment[] = lists
    ? Array.from({ length: Math.max(blue.length, green.length) }, (_, index) => index)
    : [...new Set([...Object.keys(blue), ...Object.keys(green)])]
  for (const key of keys) {
    compareValues(member(blue, key), member(green, key), [...path, key], ignore, add)
  }
}

function member(value: unknown, key: Segment): unknown {
  return Object.hasOwn(value as object, key) ? (value as Record<Segment, unknown>)[key] : undefined
}

/** `$.items[*].id` → items, *, id */
export function segmentsOf(path: string): string[] {
  return [...path.matchAll(/\.([A-Za-z0-9_-]+)|\[(\*)\]/g)].map(([, key, any]) => key ?? any ?? '')
}

/** True where a place is the one that a JSON path names. */
export function matches(pattern: readonly string[], path: readonly Segment[]): boolean {
  return (
    pattern.length > 0 &&
    pattern.length === path.length &&
    pattern.every((segment, n) => segment === '*' || segment === path[n])
  )
}

function pathText(path: readonly Segment[]): string {
  const parts = path.map((segment) => {
    if (typeof segment === 'number') return `[${segment}]`
    return /^[A-Za-z0-9_-]+$/.test(segment) ? `.${segment}` : `[${JSON.stringify(segment)}]`
  })
  return `$${parts.join('')}`
}

/** The media type; with its charset unless it is JSON, which is always UTF-8. */
function contentType({ headers }: Answer): string | undefined {
  const [type = '', ...parameters] = (headers['content-type'] ?? '').toLowerCase().split(';')
  const media = type.trim()
  if (media === '' || isJson(media)) return media || undefined
  const charset = parameters.map((one) => one.trim()).find((one) => one.startsWith('charset='))
  return charset ? `${media}; ${charset.replaceAll('"', '')}` : media
}

function isJson(type: string): boolean {
  return /^[^/]+\/(?:[^/]+\+)?json$/.test(type)
}

function parseJson({ body }: Answer, type: string | undefined): { value: unknown } | undefined {
  if (type === undefined || !isJson(type)) return undefined
  try {
    return { value: JSON.parse(body, exactNumber) }
  } catch {
    return undefined
  }
}

/** Two ids of 64 bits that differ in their last digit would be the same as a number. */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const source = context?.source
  if (typeof value !== 'number' || Number.isSafeInteger(value) || source === undefined) return value
  return /^-?\d+$/.test(source) ? BigInt(source) : value
}

/** A value on a line, cut where it is long. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value, (_key, one) => (typeof one === 'bigint' ? `${one}` : one))
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT - 1)}…` : text
}

function describeDifferent({ request, differences }: Comparison): string {
  const [first] = differences
  const more = differences.length > 1 ? ` and ${differences.length - 1} more` : ''
  return `${request}: ${first?.path} blue ${first?.blue}, green ${first?.green}${more}`
}
