import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { TripCause } from '../../platforms/operations.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { findPosition } from '../../rollout/positions.ts'
import { rising } from '../../rollout/weights.ts'
import { fleetInput } from '../rollout/fleet.ts'
import { Bench, CAUSE, refusalOf } from './bench.ts'
import { GUARD_MS, runsOf } from './runs.ts'

const PLAN = parsePlan(
  fleetInput({ api: {}, web: { dependsOn: ['api'] } }, { steps: [25, 100], minimumRequests: 1 }),
)

/**
 * Two people at once, over one hook: every call of its store and its router waits until the
 * scheduler lets it go on, in an order that only its seed knows.
 */
async function atOnce(
  scheduler: fc.Scheduler,
  prepare: (bench: Bench) => Promise<void>,
  people: (bench: Bench) => (() => Promise<unknown>)[],
): Promise<Bench> {
  let scheduled = false
  const pause = () => (scheduled ? scheduler.schedule(Promise.resolve()) : Promise.resolve())
  const bench = new Bench(PLAN, pause)
  await prepare(bench)
  scheduled = true
  const doing = people(bench).map(async (person) => {
    // Nobody is always the first.
    await pause()
    return refusalOf(person())
  })
  await scheduler.waitFor(Promise.all(doing))
  scheduled = false
  return bench
}

const greens = (bench: Bench) => [bench.green('api'), bench.green('web')]
const stand = (position: string) => (bench: Bench) => bench.stand(position)
const update = (bench: Bench, position: string, attempt = 1, last = 1) =>
  bench.update(bench.request(position, attempt), last)
const ofService = (service: string, more: Partial<TripCause> = {}): TripCause => ({
  ...CAUSE,
  service,
  scope: 'service',
  ...more,
})

/** Tries a race in many orders; the store and the router find out what must never be. */
function tried(race: (scheduler: fc.Scheduler) => Promise<void>): Promise<void> {
  return fc.assert(fc.asyncProperty(fc.scheduler(), race), runsOf(50, 2_000))
}

describe('of two people at once, the safe one wins', { timeout: GUARD_MS }, () => {
  it('where one raises the step and the other rolls back', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('api@25'), (b) => [
        () => update(b, 'api@100'),
        () => b.operations.trip(CAUSE),
      ])
      expect(greens(bench)).toEqual([0, 0])
      expect(bench.store.latch?.latched).toBe(true)
      expect(bench.journal.weights['api']?.green).toBe(0)
    }))

  it('where one raises a service and the other rolls it back alone', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('web@25'), (b) => [
        () => update(b, 'web@100'),
        () => b.operations.trip(ofService('web')),
      ])
      expect(greens(bench)).toEqual([100, 0])
      expect(bench.store.latch).toMatchObject({ latched: true, trip: { landing: 'api@100' } })
    }))

  it('where one raises the step and the other goes down step by step', () =>
    tried(async (scheduler) => {
      const slowly = ofService('api', { pace: { through: [50, 10, 0], everyMs: 1_000 } })
      const bench = await atOnce(scheduler, stand('api@100'), (b) => [
        () => update(b, 'web@25'),
        () => b.operations.trip(slowly),
      ])
      expect(bench.green('api')).toBeLessThanOrEqual(50)
      expect(bench.store.latch?.latched).toBe(true)
      expect(rising(bench.store.latch?.ceiling ?? {}, bench.router.weights)).toEqual([])
    }))

  it('where one raises the step and the other steps back', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('api@25'), (b) => [
        () => update(b, 'api@100'),
        () => update(b, 'start'),
      ])
      expect(greens(bench)).toEqual([0, 0])
      expect(bench.store.latch?.latched).toBe(false)
    }))

  it('where one raises the step and the other steps back by one', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('api@100'), (b) => [
        () => update(b, 'web@25'),
        () => update(b, 'api@25'),
      ])
      const to = findPosition(bench.positions, 'api@25')
      expect(rising(to?.weights ?? {}, bench.router.weights)).toEqual([])
    }))

  it('where one acknowledges and raises, and the other rolls everything back', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(
        scheduler,
        async (b) => {
          await b.stand('web@25')
          await b.operations.trip(ofService('web'))
        },
        (b) => [() => update(b, 'web@25', 2), () => b.operations.trip(CAUSE)],
      )
      expect(greens(bench)).toEqual([0, 0])
      expect(bench.store.latch?.latched).toBe(true)
    }))

  it('where one acknowledges, and a descent that has begun is cut short', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(
        scheduler,
        async (b) => {
          await b.stand('api@100')
          await b.operations.trip(
            ofService('api', { pace: { through: [50, 10, 0], everyMs: 1_000 } }),
          )
        },
        (b) => [
          () => update(b, 'api@25', 2),
          () => b.operations.descend(1, true),
          () => b.operations.descend(1, true),
          () => b.operations.trip(CAUSE),
        ],
      )
      // The latch as it is when the attempt is read decides: one that went further down after that
      // is not acknowledged, one that went further down before is the same trip, and is.
      const kinds = bench.store.events.map(({ kind }) => kind)
      if (kinds.lastIndexOf('acknowledged') > kinds.lastIndexOf('tripped')) {
        expect(bench.store.latch).toMatchObject({ latched: false, trips: 1 })
        expect(
          rising(findPosition(bench.positions, 'api@25')?.weights ?? {}, bench.router.weights),
        ).toEqual([])
      } else {
        expect(greens(bench)).toEqual([0, 0])
        expect(bench.store.latch?.latched).toBe(true)
      }
    }))

  it('where two roll back while a third raises: one trip, however many asked for it', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('web@25'), (b) => [
        () => update(b, 'web@100'),
        () => b.operations.trip(ofService('web')),
        () => b.operations.trip(CAUSE),
        () => b.operations.assert(),
      ])
      expect(greens(bench)).toEqual([0, 0])
      expect(bench.store.latch).toMatchObject({ latched: true, trips: 1 })
    }))

  it('where one adopts what is live and the other rolls back', () =>
    tried(async (scheduler) => {
      const bench = await atOnce(scheduler, stand('api@100'), (b) => [
        () => b.operations.adopt(b.plan, b.planHash),
        () => b.operations.trip(CAUSE),
        () => update(b, 'web@25'),
      ])
      expect(greens(bench)).toEqual([0, 0])
      expect(bench.store.latch?.latched).toBe(true)
      expect(bench.journal.weights['api']?.green).toBe(0)
    }))
})
