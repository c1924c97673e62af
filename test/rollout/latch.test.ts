import { describe, expect, it } from 'vitest'
import {
  acknowledge,
  acknowledges,
  clearLatch,
  latchAt,
  missingLatch,
} from '../../rollout/latch.ts'
import { allBlue } from '../../rollout/weights.ts'
import { NOW } from './world.ts'

const CAUSE = {
  cause: 'errors',
  value: '9%',
  threshold: '5%',
  position: 'api@10',
  landing: 'start',
  at: NOW,
  reason: 'errors',
}
const zero = allBlue(['api'])

describe('a latch', () => {
  it('is clear at first, in attempt 1', () => {
    expect(clearLatch()).toEqual({ trips: 0, attempt: 1, latched: false, ceiling: {} })
  })

  it('keeps the number of the trip, the attempt and the cause', () => {
    expect(latchAt(clearLatch(), CAUSE, zero)).toEqual({
      trips: 1,
      attempt: 1,
      latched: true,
      ceiling: zero,
      trip: { ...CAUSE, number: 1, attempt: 1 },
    })
  })

  it('that is latched keeps its first trip, whatever number of alarms comes', () => {
    const once = latchAt(clearLatch(), CAUSE, zero)
    expect(latchAt(once, { ...CAUSE, cause: 'latency' }, { api: { blue: 50, green: 50 } })).toBe(
      once,
    )
  })

  it('is taken off by trips + 1, no less and no more', () => {
    const once = latchAt(clearLatch(), CAUSE, zero)
    expect([0, 1, 2, 3].filter((attempt) => acknowledges(once, attempt))).toEqual([2])
    expect(acknowledge(once, 1)).toBe(once)
    expect(acknowledge(once, 3)).toBe(once)
    expect(acknowledge(once, 2)).toEqual({ trips: 1, attempt: 2, latched: false, ceiling: {} })
  })

  it('that is clear is acknowledged by nothing', () => {
    expect([0, 1, 2].some((attempt) => acknowledges(clearLatch(), attempt))).toBe(false)
    const clear = clearLatch()
    expect(acknowledge(clear, 1)).toBe(clear)
  })

  it('counts on from the trips before', () => {
    const second = latchAt(acknowledge(latchAt(clearLatch(), CAUSE, zero), 2), CAUSE, zero)
    expect(second).toMatchObject({ trips: 2, attempt: 2, trip: { number: 2, attempt: 2 } })
    expect(acknowledges(second, 2)).toBe(false)
    expect(acknowledges(second, 3)).toBe(true)
  })

  it('that is missing counts as latched at green 0, for the attempt after the last known', () => {
    const missing = missingLatch(2, zero, NOW)
    expect(missing).toMatchObject({ latched: true, ceiling: zero, attempt: 2 })
    expect(acknowledges(missing, 2)).toBe(false)
    expect(acknowledges(missing, 3)).toBe(true)
  })
})
