import { z } from 'zod'

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const
type Unit = keyof typeof UNITS

const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d|w)$/

/**
 * Reads a duration as plans write it: a number and one of ms, s, m, h, d, w.
 * @returns milliseconds, or undefined when the text is not a duration
 * @example parseDuration('24h') // 86_400_000
 */
export function parseDuration(text: string): number | undefined {
  const match = PATTERN.exec(text)
  return match ? Number(match[1]) * UNITS[match[2] as Unit] : undefined
}

/**
 * Writes milliseconds with the largest unit that keeps nothing but a half behind the point, else seconds.
 * @example formatDuration(5_400_000) // '1.5h'
 */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`
  const unit = (['w', 'd', 'h', 'm'] as Unit[]).find((name) => {
    const count = ms / UNITS[name]
    return count >= 1 && Number.isInteger(count * 2)
  })
  const chosen = unit ?? 's'
  return `${Math.round((ms / UNITS[chosen]) * 10) / 10}${chosen}`
}

const SPANS: [string, number][] = [
  ['d', UNITS.d],
  ['h', UNITS.h],
  ['m', UNITS.m],
  ['s', UNITS.s],
]

/**
 * A span of time for people: its two largest units.
 * @example formatSpan(86_310_000) // '23h 58m'
 */
export function formatSpan(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))}ms`
  const whole = Math.round(ms / 1_000) * 1_000
  const at = SPANS.findIndex(([, size]) => whole >= size)
  const [unit, size] = SPANS[at]!
  const rest = SPANS[at + 1]
  const count = Math.floor(whole / size)
  if (!rest) return `${count}${unit}`
  const more = Math.floor((whole % size) / rest[1])
  return more > 0 ? `${count}${unit} ${more}${rest[0]}` : `${count}${unit}`
}

/** Ten years: what is longer is a slip, and would not be a number for long. */
const LONGEST = 3_650 * UNITS.d

/** A duration field of the plan; the parsed value is milliseconds. */
export const durationSchema = z
  .string({ error: 'give a duration: a number and ms, s, m, h, d or w, such as 30s or 24h' })
  .regex(PATTERN, {
    error: 'give a duration: a number and ms, s, m, h, d or w, such as 30s or 24h',
  })
  .transform((text) => parseDuration(text) as number)
  .refine((ms) => ms <= LONGEST, { error: 'is longer than ten years; give a shorter time' })
