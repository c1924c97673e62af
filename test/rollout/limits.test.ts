import { describe, expect, test } from 'vitest'
import { describeHeld, heldAgainst, scopeOf } from '../../rollout/limits.ts'

const plan = {
  limits: { service: 30_000, phase: 120_000, plan: 300_000, traffic: 120_000, flag: 60_000 },
}

describe('a promised time', () => {
  test('is the one of what went back', () => {
    expect(heldAgainst(plan, 'service', 1_200)).toEqual([
      { limit: 'service', promisedMs: 30_000, tookMs: 1_200, kept: true },
    ])
    expect(heldAgainst(plan, 'phase', 1).map(({ limit }) => limit)).toEqual(['phase'])
    expect(heldAgainst(plan, 'plan', 1).map(({ limit }) => limit)).toEqual(['traffic', 'plan'])
  })

  test('of the code counts for every rollback of traffic', () => {
    const code = { limits: { code: 300_000 } }
    for (const scope of ['service', 'phase', 'plan'] as const) {
      expect(heldAgainst(code, scope, 400_000)).toMatchObject([{ limit: 'code', kept: false }])
    }
    expect(heldAgainst(code, 'flag', 400_000)).toEqual([])
  })

  test('is kept up to the very millisecond, and told with both numbers', () => {
    expect(heldAgainst(plan, 'flag', 60_000)[0]?.kept).toBe(true)
    expect(describeHeld(61_000, heldAgainst(plan, 'flag', 61_000))).toBe(
      '1m 1s (limit flag 1m: NOT KEPT)',
    )
  })

  test('that nobody gave holds nothing, and the time is told all the same', () => {
    expect(heldAgainst(undefined, 'plan', 5)).toEqual([])
    expect(describeHeld(5, [])).toBe('5ms')
  })

  test('is of the plan where no service is named', () => {
    expect(scopeOf({})).toBe('plan')
    expect(scopeOf({ service: 'api' })).toBe('service')
    expect(scopeOf({ service: 'api', scope: 'phase' })).toBe('phase')
  })
})
