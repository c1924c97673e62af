import { describe, expect, it } from 'vitest'
import {
  afterMove,
  BELOW,
  crossedAtTrip,
  describeLevel,
  type LevelState,
  levelTest,
  weigh,
} from '../../rollout/escalation.ts'
import { evidenceNeeded } from '../../rollout/sequential.ts'
import { seeded } from './chance.ts'

const ALL = process.env['SLUICE_TEST_ALL'] === '1'

const levels = [
  levelTest({ errors: 0.01, notify: ['on-call'], rollback: false }),
  levelTest({ errors: 0.05, notify: ['team-lead'], rollback: true }),
  levelTest({ errors: 0.1, notify: ['everyone'], rollback: false }),
]
type Test = (typeof levels)[number]
const [one, five, ten] = levels as [Test, Test, Test]

/** What is left of a level after some answers, and at which of them it was crossed. */
function after(test: Test, answers: Iterable<boolean>, from: LevelState = BELOW) {
  let state = from
  let n = 0
  const crossings: number[] = []
  for (const bad of answers) {
    n++
    const next = weigh(test, state, bad)
    state = next.state
    if (next.crossed) crossings.push(n)
  }
  return { state, crossings }
}
function firstCrossing(test: Test, share: number, seed: number): number | undefined {
  let state = BELOW
  let n = 0
  for (const bad of answersOf(share, 50_000, seed)) {
    n++
    const next = weigh(test, state, bad)
    if (next.crossed) return n
    state = next.state
  }
  return undefined
}

const many = (count: number, bad: boolean): boolean[] => Array(count).fill(bad)

/** So many answers of which a share is bad, by chance. */
function* answersOf(share: number, count: number, seed: number) {
  const random = seeded(seed)
  for (let n = 0; n < count; n++) yield random() < share
}

/**
 * How often a level is crossed in so many answers. Only bad answers and what follows them are
 * walked through: from no evidence a good one leads nowhere.
 */
function crossingsOf(test: Test, share: number, count: number, seed: number): number {
  const random = seeded(seed)
  let state = BELOW
  let crossings = 0
  for (let left = count; left > 0; ) {
    let good = Math.floor(Math.log(1 - random()) / Math.log(1 - share))
    left -= good + 1
    for (; good > 0 && state.evidence.sum > 0; good--) state = weigh(test, state, false).state
    if (left < 0) break
    const next = weigh(test, state, true)
    state = next.state
    if (next.crossed) crossings++
  }
  return crossings
}

describe('an escalation', () => {
  it('crosses every level at the eighth of eight bad answers', () => {
    expect(levels.map((test) => after(test, many(8, true)).crossings)).toEqual([[7], [8], [8]])
    const { state } = after(ten, many(8, true))
    expect(describeLevel(ten, state)).toEqual({
      value: 'error rate 100% over the last 8 answers',
      threshold: '10%',
    })
  })

  it('never crosses a level later than one above it', () => {
    for (const share of [0.02, 0.08, 0.3, 0.9]) {
      for (let seed = 0; seed < 20; seed++) {
        const first = levels.map((test) => firstCrossing(test, share, seed) ?? 50_001)
        expect(first).toEqual(first.toSorted((a, b) => a - b))
      }
    }
  })

  it('is crossed once, and again only after good answers have used the evidence up', () => {
    const ill = after(five, many(500, true))
    expect(ill.crossings).toEqual([8])
    const wavering = after(five, [...many(100, false), ...many(100, true)], ill.state)
    expect(wavering).toMatchObject({ crossings: [], state: { above: true } })
    // However long it was ill, a few good answers are enough to be well again.
    const well = after(five, many(150, false), wavering.state)
    expect(well.state.above).toBe(false)
    expect(after(five, many(8, true), well.state).crossings).toEqual([8])
  })

  it('takes less evidence at a trip, after which none comes', () => {
    const halfBad = [...Array(16).keys()].map((n) => n % 2 === 0)
    const { state, crossings } = after(ten, halfBad)
    expect(crossings).toEqual([])
    expect(crossedAtTrip(state)).toBe(true)
    // One in ten is not above one in ten.
    const tenth = [...Array(200).keys()].map((n) => n % 10 === 0)
    expect(crossedAtTrip(after(ten, tenth).state)).toBe(false)
    expect(crossedAtTrip(after(ten, many(20, true)).state)).toBe(false)
    expect(crossedAtTrip(BELOW)).toBe(false)
  })

  it('remembers over a move that people know, and nothing else', () => {
    const told = after(one, many(20, true)).state
    expect(afterMove(one, told)).toBe(told)
    expect(afterMove(one, after(one, many(3, true)).state)).toEqual(BELOW)
    // What would roll back again must be seen at the new weight.
    expect(afterMove(five, after(five, many(20, true)).state)).toEqual(BELOW)
  })
})

describe('a green as healthy as the plan asks for', () => {
  const days = ALL ? 200 : 40

  it.each([2, 5])(
    'crosses no level in a day with one error in a thousand, at %s answers a second',
    (rate) => {
      for (const test of levels) {
        for (let day = 0; day < days; day++) {
          expect(crossingsOf(test, 0.001, rate * 86_400, day * 7_919 + rate)).toBe(0)
        }
      }
    },
  )
})

describe('a green above a level', () => {
  // By Wald's identity; against 1% it is 630 answers at twice the level, five minutes at 2 a second.
  it.each([
    { level: '1%', test: one, share: 0.02, about: 630 },
    { level: '1%', test: one, share: 0.025, about: 420 },
    { level: '5%', test: five, share: 0.08, about: 237 },
    { level: '5%', test: five, share: 0.1, about: 142 },
    { level: '5%', test: five, share: 0.2, about: 47 },
    { level: '10%', test: ten, share: 0.2, about: 72 },
    { level: '10%', test: ten, share: 0.5, about: 18 },
  ] as const)(
    'crosses $level at a share of $share after about $about answers',
    ({ test, share, about }) => {
      expect(Math.round(evidenceNeeded(test.detector, share).expected)).toBe(about)
      const taken = [...Array(300).keys()].map((seed) => firstCrossing(test, share, seed) ?? 50_001)
      const mean = taken.reduce((sum, each) => sum + each, 0) / taken.length
      expect(mean).toBeGreaterThan(about * 0.8)
      expect(mean).toBeLessThan(about * 1.2)
    },
  )
})
