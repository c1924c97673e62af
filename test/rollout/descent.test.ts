import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Pace } from '../../rollout/action.ts'
import { beginDescent, deepen, isUnstable, nextDescent } from '../../rollout/descent.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { clearLatch, type Latch, latchAt } from '../../rollout/latch.ts'
import { greenOf, rising, type ServiceWeights, split } from '../../rollout/weights.ts'
import { NOW } from './world.ts'

const SLOWLY: Pace = { through: [75, 50, 25, 0], everyMs: 300_000 }
const later = (seconds: number) => new Date(Date.parse(NOW) + seconds * 1_000)
const at = (weights: Record<string, number>): ServiceWeights =>
  Object.fromEntries(Object.entries(weights).map(([service, green]) => [service, split(green)]))
const greens = (weights: ServiceWeights) =>
  Object.fromEntries(Object.keys(weights).map((service) => [service, greenOf(weights, service)]))

/** A latch of a trip of `web`, whose green goes to its landing at a pace. */
function tripped(
  from: Record<string, number>,
  to: Record<string, number>,
  pace: Pace = SLOWLY,
): Latch {
  const { ceiling, descent } = beginDescent(at(from), at(to), pace, NOW)
  const trip = { cause: 'precision', value: '0.85', threshold: '0.9', reason: 'precision' }
  const place = { position: 'web@100', landing: 'api@100', at: NOW, services: ['web'] }
  return latchAt(clearLatch(), { ...trip, ...place }, ceiling, descent)
}

/** The ceilings of a service on the way down, and when each began, in seconds. */
function wayDown(begun: Latch, service: string, clock: number, unstable = () => false) {
  const way: [second: number, green: number][] = [[0, greenOf(begun.ceiling, service)]]
  let latch = begun
  for (let second = 1; second < 3_000 && latch.descent; second++) {
    const next = nextDescent(latch, later(second), clock, unstable())
    if (!next) continue
    latch = next
    way.push([second, greenOf(latch.ceiling, service)])
  }
  return way
}

describe('a progressive rollback', () => {
  it('goes 75, 50, 25, 0 with five minutes between', () => {
    expect(wayDown(tripped({ web: 100 }, { web: 0 }), 'web', 1)).toEqual([
      [0, 75],
      [300, 50],
      [600, 25],
      [900, 0],
    ])
  })

  it('is as many times faster as the clock', () => {
    expect(wayDown(tripped({ web: 100 }, { web: 0 }), 'web', 60).map(([second]) => second)).toEqual(
      [0, 5, 10, 15],
    )
  })

  it('begins below what green has', () => {
    expect(wayDown(tripped({ web: 50 }, { web: 0 }), 'web', 1).map(([, green]) => green)).toEqual([
      25, 0,
    ])
    expect(tripped({ web: 5 }, { web: 0 }).descent).toBeUndefined()
  })

  it('goes on at once where what is live is ill', () => {
    const way = wayDown(tripped({ web: 100 }, { web: 0 }), 'web', 1, () => true)
    expect(way.map(([second]) => second)).toEqual([0, 1, 2, 3])
  })

  it('goes on when the clock was put back', () => {
    const begun = tripped({ web: 100 }, { web: 0 })
    expect(greens(nextDescent(begun, later(-60), 1, false)!.ceiling)).toEqual({ web: 50 })
  })

  it('ends at its landing although its weights do not name it', () => {
    const pace = { through: [60, 30], everyMs: 60_000 }
    const way = wayDown(tripped({ web: 100 }, { web: 0 }, pace), 'web', 1)
    expect(way.map(([, green]) => green)).toEqual([60, 30, 0])
  })

  it('leaves what is not in its scope where it is', () => {
    const begun = tripped({ api: 100, web: 100 }, { api: 100, web: 0 })
    expect(greens(begun.ceiling)).toEqual({ api: 100, web: 75 })
    expect(greens(nextDescent(begun, later(300), 1, false)!.ceiling)).toEqual({ api: 100, web: 50 })
  })
})

describe('a step of it', () => {
  const alarm = (changes: Partial<Alarm> = {}): Alarm => ({
    guardrail: 'precision',
    service: 'web',
    value: '0.85',
    threshold: '0.9',
    since: NOW,
    then: 'rollback',
    ...changes,
  })
  const begun = tripped({ api: 100, web: 100 }, { api: 100, web: 0 })

  it('is unstable where what rolls back or holds still fires after ten seconds', () => {
    expect(isUnstable(begun, [alarm()], later(9))).toBe(false)
    expect(isUnstable(begun, [alarm()], later(10))).toBe(true)
    expect(isUnstable(begun, [alarm({ then: 'hold' })], later(10))).toBe(true)
    expect(isUnstable(begun, [], later(10))).toBe(false)
  })

  it('is stable whatever fires for others, or only tells', () => {
    expect(isUnstable(begun, [alarm({ service: 'api' })], later(60))).toBe(false)
    expect(isUnstable(begun, [alarm({ then: 'notify' })], later(60))).toBe(false)
  })
})

describe('what trips besides', () => {
  const begun = tripped({ api: 100, web: 100 }, { api: 100, web: 0 })
  const more = (weights: Record<string, number>, pace: Pace, services = ['api', 'web']) =>
    ({ landing: 'start', weights: at(weights), services, pace, at: NOW }) as const

  it('ends the descent where it does not wait, and takes with it what it reaches', () => {
    const next = deepen(begun, more({ api: 0, web: 0 }, 'immediately'))
    expect(greens(next.ceiling)).toEqual({ api: 0, web: 0 })
    expect(next.descent).toBeUndefined()
    expect(next.trip).toMatchObject({ number: 1, landing: 'start', services: ['web', 'api'] })
  })

  it('ends the descent at its own landing where it asks for nothing more', () => {
    const next = deepen(begun, more({ api: 100, web: 0 }, 'immediately', ['web']))
    expect(greens(next.ceiling)).toEqual({ api: 100, web: 0 })
    expect(next.trip?.landing).toBe('api@100')
  })

  it('joins the descent at the step where it stands, where it goes step by step too', () => {
    const next = deepen(begun, more({ api: 0, web: 0 }, SLOWLY))
    expect(greens(next.ceiling)).toEqual({ api: 75, web: 75 })
    expect(next.descent?.left).toEqual([50, 25, 0])
    expect(wayDown(next, 'api', 1).map(([, green]) => green)).toEqual([75, 50, 25, 0])
  })

  it('begins a descent where everything has landed', () => {
    const landed = tripped({ api: 100, web: 100 }, { api: 100, web: 0 }, 'immediately')
    const next = deepen(landed, more({ api: 0, web: 0 }, SLOWLY))
    expect(greens(next.ceiling)).toEqual({ api: 75, web: 0 })
    expect(wayDown(next, 'api', 1).map(([, green]) => green)).toEqual([75, 50, 25, 0])
  })

  it('changes nothing where it asks for nothing more, nor while nothing is latched', () => {
    expect(deepen(begun, more({ api: 100, web: 0 }, SLOWLY, ['web']))).toBe(begun)
    expect(deepen(clearLatch(), more({ api: 0 }, 'immediately'))).toEqual(clearLatch())
  })
})

describe('the ceiling of a latch', () => {
  it('only falls, whatever comes in whatever order, and ends at the deepest landing', () => {
    const weights = fc.record({
      api: fc.integer({ min: 0, max: 100 }),
      web: fc.integer({ min: 0, max: 100 }),
    })
    const pace: fc.Arbitrary<Pace> = fc.oneof(
      fc.constant<Pace>('immediately'),
      fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 5 }).map((through) => ({
        through: through.toSorted((a, b) => b - a),
        everyMs: 60_000,
      })),
    )
    const move = fc.oneof(
      fc.record({ weights, pace }),
      fc.record({ seconds: fc.integer({ min: 0, max: 90 }), unstable: fc.boolean() }),
    )
    fc.assert(
      fc.property(weights, weights, pace, fc.array(move), (live, asked, how, moves) => {
        const landing = { api: Math.min(live.api, asked.api), web: Math.min(live.web, asked.web) }
        let latch = tripped(live, landing, how)
        let second = 0
        expect(rising(at(live), latch.ceiling)).toEqual([])
        for (const one of moves) {
          const before = latch
          if ('seconds' in one) {
            second += one.seconds
            latch = nextDescent(latch, later(second), 1, one.unstable) ?? latch
          } else {
            const services = ['api', 'web']
            latch = deepen(latch, {
              landing: 'start',
              ...one,
              weights: at(one.weights),
              services,
              at: later(second).toISOString(),
            })
          }
          expect(rising(before.ceiling, latch.ceiling)).toEqual([])
          expect(latch).toMatchObject({ latched: true, trips: 1 })
        }
        const aim = latch.descent?.landing ?? latch.ceiling
        for (let left = 0; latch.descent && left < 200; left++) {
          second += 60
          latch = nextDescent(latch, later(second), 1, false) ?? latch
        }
        expect(latch.descent).toBeUndefined()
        expect(latch.ceiling).toEqual(aim)
      }),
    )
  })
})
