import { describe, expect, test } from 'vitest'
import { describeHeld, heldAgainst, scopesOf } from '../../rollout/limits.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { changed } from './plans.ts'
import { world } from './world.ts'

const plan = {
  limits: { service: 30_000, phase: 120_000, plan: 300_000, traffic: 120_000, flag: 60_000 },
}

describe('a promised time', () => {
  test('is the one of what went back', () => {
    expect(heldAgainst(plan, 'service', 1_200)).toEqual([
      { limit: 'service', promisedMs: 30_000, tookMs: 1_200, kept: true },
    ])
    expect(heldAgainst(plan, 'phase', 1).map(({ limit }) => limit)).toEqual(['phase'])
    expect(heldAgainst(plan, 'plan', 1).map(({ limit }) => limit)).toEqual(['plan'])
  })

  test('of the code counts for every rollback of traffic', () => {
    const code = { limits: { code: 300_000 } }
    for (const scope of ['service', 'phase', 'plan'] as const) {
      const held = heldAgainst(code, scope, 400_000, 'read back')
      expect(held).toMatchObject([{ limit: 'code', kept: false }])
      expect(heldAgainst(code, scope, 400_000)).toEqual([])
    }
    expect(heldAgainst(code, 'flag', 400_000)).toEqual([])
  })

  test('of the traffic is over when it is read back, before the rest is done', () => {
    const names = (...[scope, moment]: ['service' | 'phase' | 'plan', 'read back' | 'done']) =>
      heldAgainst(plan, scope, 1, moment).map(({ limit }) => limit)
    expect(names('plan', 'read back')).toEqual(['traffic'])
    expect(names('service', 'read back')).toEqual([])
    expect(names('phase', 'done')).toEqual(['phase'])
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
    expect(scopesOf({})).toEqual(['plan'])
    expect(scopesOf({ service: 'api' })).toEqual(['service'])
    expect(scopesOf({ service: 'api', scope: 'phase' })).toEqual(['phase'])
  })

  test('of the plan counts where a service is all there is', () => {
    expect(scopesOf({ service: 'api' }, world('start').plan)).toEqual(['service', 'plan'])
    expect(scopesOf({ service: 'api' }, parsePlan(changed({})).plan)).toEqual(['service'])
    expect(heldAgainst(plan, ['service', 'plan'], 1).map(({ limit }) => limit)).toEqual([
      'service',
      'plan',
    ])
  })
})
