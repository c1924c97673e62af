import { describe, expect, it } from 'vitest'
import {
  confidenceSequence,
  judgeExperiment,
  LEAST_TRIALS,
  type Trials,
} from '../../rollout/experiment.ts'

const ALPHA = 0.05
const ANSWERS = 10_000
const RUNS = 400

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Plays rollouts answer by answer, and looks after each.
 * @param looks true where this look is the one to count
 * @returns the share of runs in which some look was
 */
function everSeen(
  { blue, green, weight }: { blue: number; green: number; weight: number },
  looks: (green: Trials, blue: Trials) => boolean,
): number {
  let seen = 0
  for (let run = 1; run <= RUNS; run++) {
    const random = seeded(run * 7_919)
    const ours = { successes: 0, trials: 0 }
    const theirs = { successes: 0, trials: 0 }
    for (let answer = 0; answer < ANSWERS; answer++) {
      const [colour, share] = random() < weight ? [ours, green] : [theirs, blue]
      colour.trials++
      if (random() < share) colour.successes++
      if (!looks(ours, theirs)) continue
      seen++
      break
    }
  }
  return seen / RUNS
}

const passes = (green: Trials, blue: Trials) =>
  (confidenceSequence(green, blue, ALPHA)?.lower ?? -1) > 0

/** What a test of a fixed size would say at each look. */
function passesFixed(green: Trials, blue: Trials): boolean {
  if (green.trials < LEAST_TRIALS || blue.trials < LEAST_TRIALS) return false
  const [g, b] = [green.successes / green.trials, blue.successes / blue.trials]
  const variance = (g * (1 - g)) / green.trials + (b * (1 - b)) / blue.trials
  return variance > 0 && (g - b) / Math.sqrt(variance) > 1.645
}

describe('a comparison that may be looked at after each answer', () => {
  it.each([
    { blue: 0.5, green: 0.5, weight: 0.5 },
    { blue: 0.9, green: 0.9, weight: 0.25 },
    { blue: 0.97, green: 0.97, weight: 0.05 },
  ])('passes equal shares wrongly in fewer than alpha of all runs: %j', (world) => {
    expect(everSeen(world, passes)).toBeLessThanOrEqual(ALPHA)
  })

  it('keeps the true difference between its bounds at every moment, but for alpha', () => {
    const outside = (green: Trials, blue: Trials) => {
      const found = confidenceSequence(green, blue, ALPHA)
      return found !== undefined && (found.lower > 0.1 || found.upper < 0.1)
    }
    expect(everSeen({ blue: 0.7, green: 0.8, weight: 0.25 }, outside)).toBeLessThanOrEqual(ALPHA)
  })

  it('finds a real difference of ten points at a quarter of the traffic', () => {
    expect(everSeen({ blue: 0.8, green: 0.9, weight: 0.25 }, passes)).toBeGreaterThan(0.95)
  })

  it('is needed: a test of a fixed size, looked at as often, passes wrongly far more than alpha', () => {
    const world = { blue: 0.9, green: 0.9, weight: 0.5 }
    expect(everSeen(world, passesFixed)).toBeGreaterThan(4 * ALPHA)
  })
})

describe('judging an experiment', () => {
  const asked = { gain: 0.05, alpha: ALPHA }
  const judge = (green: Trials, blue: Trials, least = 50) =>
    judgeExperiment(green, blue, asked, least)

  it('passes above the gain, fails below it, and is open between', () => {
    const blue = { successes: 8_000, trials: 10_000 }
    expect(judge({ successes: 9_500, trials: 10_000 }, blue)).toEqual({
      result: 'passed',
      reason: expect.stringMatching(
        /^green 9500 of 10000 \(95%\), blue 8000 of 10000 \(80%\): 15% \(1[23].*% to 1[67].*% at 95%\), must gain more than 5%$/,
      ),
    })
    expect(judge({ successes: 8_100, trials: 10_000 }, blue).result).toBe('failed')
    expect(judge({ successes: 8_600, trials: 10_000 }, blue).result).toBe('inconclusive')
  })

  it('says nothing before each colour has the trials that the plan asks for', () => {
    const many = { successes: 900, trials: 1_000 }
    expect(judge({ successes: 49, trials: 49 }, many).reason).toMatch(/it takes 50 of each$/)
    expect(judge(many, { successes: 0, trials: 49 }).result).toBe('inconclusive')
    expect(judge(many, { successes: 0, trials: 150 }, 200).reason).toMatch(/it takes 200/)
    expect(judge({ successes: 0, trials: 0 }, { successes: 0, trials: 0 }).result).toBe(
      'inconclusive',
    )
  })

  it('takes a hair more successes than trials for all of them, and no nonsense', () => {
    const blue = { successes: 500, trials: 1_000 }
    expect(judge({ successes: 1_000.4, trials: 1_000 }, blue).result).toBe('passed')
    for (const successes of [2_000, Number.NaN, -1]) {
      expect(judge({ successes, trials: 1_000 }, blue).reason).toMatch(/no counts of trials/)
    }
  })

  it('never passes on a handful that all succeeded', () => {
    const blue = { successes: 950, trials: 1_000 }
    for (let trials = 50; trials <= 100; trials++) {
      const found = confidenceSequence({ successes: trials, trials }, blue, ALPHA)
      expect(found?.lower).toBeLessThan(0)
    }
  })
})
