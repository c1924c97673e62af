import { z } from 'zod'
import { formatDuration, parseDuration } from './duration.ts'

export type Unit = 'ratio' | 'seconds' | 'bytes' | 'number'

/**
 * What a measured value is held against.
 * - absolute: a ratio (5% is 0.05), seconds (150ms is 0.15), bytes (400MB) or a bare number
 * - baseline: a multiple of what blue measured before the first step
 * - blue: a multiple of what blue measures now
 */
export type Threshold =
  | { kind: 'absolute'; value: number; unit: Unit }
  | { kind: 'baseline'; factor: number }
  | { kind: 'blue'; factor: number }

const RELATIVE = /^(\d+(?:\.\d+)?)(x|%)\s+(?:of\s+)?(baseline|blue)$/
const BYTES = /^(\d+(?:\.\d+)?)(kB|MB|GB)$/
const SIZES: Record<string, number> = { kB: 1_000, MB: 1_000_000, GB: 1_000_000_000 }
const PERCENT = /^(\d+(?:\.\d+)?)%$/

/**
 * Reads `5%`, `150ms`, `400MB`, `0.9`, `2x baseline`, `60% of baseline` or `110% of blue`.
 * @returns undefined when the text is none of these
 */
export function parseThreshold(text: string | number): Threshold | undefined {
  if (typeof text === 'number') {
    return Number.isFinite(text) && text >= 0
      ? { kind: 'absolute', value: text, unit: 'number' }
      : undefined
  }
  const relative = RELATIVE.exec(text)
  if (relative) {
    const factor = Number(relative[1]) / (relative[2] === '%' ? 100 : 1)
    return { kind: relative[3] as 'baseline' | 'blue', factor }
  }
  const percent = PERCENT.exec(text)
  if (percent) return { kind: 'absolute', value: Number(percent[1]) / 100, unit: 'ratio' }
  const bytes = BYTES.exec(text)
  if (bytes) {
    const value = Number(bytes[1]) * (SIZES[bytes[2] ?? ''] ?? 1)
    return { kind: 'absolute', value, unit: 'bytes' }
  }
  const duration = parseDuration(text)
  if (duration !== undefined) return { kind: 'absolute', value: duration / 1_000, unit: 'seconds' }
  return undefined
}

/** Writes a threshold as the plan would: `5%`, `150ms`, `2x baseline`. */
export function formatThreshold(threshold: Threshold): string {
  switch (threshold.kind) {
    case 'absolute':
      return formatValue(threshold.value, threshold.unit)
    case 'baseline':
      return `${round(threshold.factor)}x baseline`
    case 'blue':
      return `${round(threshold.factor * 100)}% of blue`
  }
}

/** Writes a measured value in the unit of what it is held against. */
export function formatValue(value: number, unit: Unit): string {
  if (unit === 'ratio') return `${round(value * 100)}%`
  if (unit === 'seconds') return formatDuration(value * 1_000)
  if (unit === 'bytes') return `${round(value / 1_000_000)}MB`
  return String(round(value))
}

function round(value: number): number {
  return Number(value.toPrecision(4))
}

const HELP = 'give 5%, 150ms, 400MB, a number, "2x baseline", "60% of baseline" or "110% of blue"'

/** A threshold field of the plan. */
export const thresholdSchema = z
  .union([z.string(), z.number()], { error: HELP })
  .transform((text, context): Threshold => {
    const threshold = parseThreshold(text)
    if (threshold) return threshold
    context.issues.push({ code: 'custom', message: HELP, input: text })
    return z.NEVER
  })

/** A share such as 100% or 0.5%, as a ratio from 0 to 1. */
export const shareSchema = z
  .string({ error: 'give a share with a percent sign, such as 100%' })
  .regex(PERCENT, { error: 'give a share with a percent sign, such as 100%' })
  .transform((text) => Number.parseFloat(text) / 100)
  .refine((share) => share <= 1, { error: 'is above 100%; give 0% to 100%' })
