/** True where everything is to be tried, and not a seeded part. */
export const ALL = process.env['SLUICE_TEST_ALL'] === '1'

const seed = Number(process.env['SLUICE_SEED'] ?? 1)

/** What a title says of which part was tried, and how to try the same again. */
export const SEED = ALL ? 'all of it' : `SLUICE_SEED=${seed}`

/**
 * A part of a long list, in its order: the same for the same SLUICE_SEED,
 * and all of it with SLUICE_TEST_ALL=1.
 * @param kindOf where given, no two of the part are of one kind
 */
export function seeded<T>(
  cases: readonly T[],
  count: number,
  kindOf: (each: T) => unknown = (each) => each,
): T[] {
  if (ALL || cases.length <= count) return [...cases]
  const random = generator(seed)
  const ranked = cases.map((_, index) => ({ index, rank: random() }))
  const kinds = new Set<unknown>()
  const chosen = ranked
    .toSorted((a, b) => a.rank - b.rank)
    .filter(({ index }) => {
      const kind = kindOf(cases[index] as T)
      return !kinds.has(kind) && kinds.add(kind)
    })
  return chosen
    .slice(0, count)
    .toSorted((a, b) => a.index - b.index)
    .map(({ index }) => cases[index] as T)
}

/** Suites of a stack of their own that show more of a platform than the way of huntred does. */
const DEEP = ['kubernetes-hardship', 'kubernetes-plan-language', 'aws-tasks'] as const

/** True for the one of them that is run by the seed, and for all with SLUICE_TEST_ALL=1. */
export function isDeepChosen(name: (typeof DEEP)[number]): boolean {
  return seeded(DEEP, 1).includes(name)
}

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
