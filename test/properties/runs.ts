/** True where everything is to be tried, and not a part. */
export const ALL = process.env['SLUICE_TEST_ALL'] === '1'

/**
 * How often a property is tried. The short run is the same every time; the long one is another
 * every time. SLUICE_SEED repeats one; every run prints its own.
 */
export function runsOf(short: number, long: number): { numRuns: number; seed: number } {
  const given = process.env['SLUICE_SEED']
  const seed = given === undefined ? (ALL ? Date.now() % 2 ** 31 : 1) : Number(given)
  const numRuns = ALL ? long : short
  console.log(`${numRuns} cases of seed ${seed} (SLUICE_SEED repeats them)`)
  return { numRuns, seed }
}

/** Only tells a hang from a long run. */
export const GUARD_MS = ALL ? 4 * 3_600_000 : 300_000
