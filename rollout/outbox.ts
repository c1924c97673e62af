import { canonical } from './hash.ts'
import { firstOf, type Judgement } from './judgement.ts'
import { matches, type Segment, segmentsOf, show } from './parity.ts'

/** What a recorder has listed of one colour, before a replay and after it. */
export interface Outbox {
  before: readonly unknown[]
  after: readonly unknown[]
}

/** A message that one colour sent out and the other did not. */
export interface Unmatched {
  sentBy: 'blue' | 'green'
  message: unknown
}

/**
 * The messages that came since, each as often as it came; in what order the recorder lists them is
 * no matter. A message with a member `replay` says which replay it came of, the value of the
 * request's header x-sluice-replay: those of other replays are left out, and where a recorder tells
 * so of any, those that say nothing are of users and are left out too.
 */
export function sentSince(
  outboxes: Record<'blue' | 'green', Outbox>,
  replay: string,
): Record<'blue' | 'green', unknown[]> {
  const { blue, green } = outboxes
  const tells = [blue, green].some(({ before, after }) => [...before, ...after].some(isMarked))
  const isOurs = (message: unknown) => (isMarked(message) ? message.replay === replay : !tells)
  return { blue: newIn(blue).filter(isOurs), green: newIn(green).filter(isOurs) }
}

function newIn({ before, after }: Outbox): unknown[] {
  const known = countsOf(before.map((message) => canonical(message)))
  return after.filter((message) => !take(known, canonical(message)))
}

/**
 * What one colour sent out and the other did not, in whatever order they came.
 * @param ignore JSON paths within a message that may differ, such as `$.sentAt`
 */
export function compareSent(
  blue: readonly unknown[],
  green: readonly unknown[],
  ignore: readonly string[] = [],
): Unmatched[] {
  const patterns = ignore.map(segmentsOf)
  const keyOf = (message: unknown) => canonical(without(message, patterns, []))
  const left = countsOf(green.map(keyOf))
  const onlyBlue = blue.filter((message) => !take(left, keyOf(message)))
  const onlyGreen = green.filter((message) => take(left, keyOf(message)))
  return [
    ...onlyBlue.map((message) => ({ sentBy: 'blue' as const, message })),
    ...onlyGreen.map((message) => ({ sentBy: 'green' as const, message })),
  ]
}

/** Judges what was sent out: every message of one colour is one of the other's too. */
export function judgeSent(messages: number, unmatched: readonly Unmatched[]): Judgement {
  if (unmatched.length === 0) {
    return { result: 'passed', reason: `${messages} messages were sent out alike` }
  }
  const named = unmatched.map(
    ({ sentBy, message }) =>
      `only ${sentBy} sent ${show(message)}${sentBy === 'blue' ? ', green did not' : ', blue did not'}`,
  )
  return { result: 'failed', reason: `not sent out alike: ${firstOf(named)}` }
}

function isMarked(message: unknown): message is { replay: unknown } {
  return typeof message === 'object' && message !== null && Object.hasOwn(message, 'replay')
}

function take(counts: Map<string, number>, key: string): boolean {
  const count = counts.get(key) ?? 0
  if (count > 0) counts.set(key, count - 1)
  return count > 0
}

function countsOf(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}

function without(value: unknown, ignore: readonly string[][], path: readonly Segment[]): unknown {
  if (ignore.some((pattern) => matches(pattern, path))) return null
  if (Array.isArray(value)) return value.map((one, n) => without(one, ignore, [...path, n]))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key, without(one, ignore, [...path, key])]),
  )
}
