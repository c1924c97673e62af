/** The middle of what was measured. */
export function median(values: number[]): number {
  return quantile(values, 0.5)
}

/**
 * A quantile by the nearest rank: a value that was measured, never one in between.
 * @param share 0 to 1
 */
export function quantile(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** Standard normal quantile that leaves 0.05 % on either side. */
const Z_999 = 3.2905

/**
 * The 99.9 % interval of a share, by Wilson: it stays within 0 and 1.
 * @returns shares from 0 to 1
 */
export function interval999(hits: number, of: number): { low: number; high: number } {
  const z2 = Z_999 ** 2
  const share = hits / of
  const centre = (share + z2 / (2 * of)) / (1 + z2 / of)
  const half = (Z_999 * Math.sqrt((share * (1 - share)) / of + z2 / (4 * of * of))) / (1 + z2 / of)
  return {
    low: hits === 0 ? 0 : centre - half,
    high: hits === of ? 1 : centre + half,
  }
}

/** Seconds, from milliseconds. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

/** Whole milliseconds. */
export function milliseconds(ms: number): string {
  return `${Math.round(ms)} ms`
}

/** A whole number with its thousands apart. */
export function count(number: number): string {
  return Math.round(number).toLocaleString('en-US')
}
