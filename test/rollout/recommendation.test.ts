import { describe, expect, test } from 'vitest'
import { latchAt } from '../../rollout/latch.ts'
import { recommend, type Standing } from '../../rollout/recommendation.ts'
import { NOW, world } from './world.ts'

function standing(changes: Partial<Standing> = {}): Standing {
  const { plan, journal, latch } = world('api@10')
  const guard = { alive: true }
  return { plan, clock: 1, journal, latch, alarms: [], guard, kpis: [], ...changes }
}
const alarm = {
  guardrail: 'errors',
  service: 'api',
  value: '12%',
  threshold: '5%',
  since: NOW,
  then: 'rollback' as const,
}
const kpi = { name: 'a', title: 'Availability', target: 'above 99.9%', actual: '99.7%' }

describe('the recommendation', () => {
  test('is to proceed where everything is well, with the numbers', () => {
    const { advice, reason } = recommend(standing({ kpis: [{ ...kpi, result: 'met' }] }))
    expect(advice).toBe('proceed')
    expect(reason).toContain('500 answers of green')
    expect(reason).toContain('1 of 1 targets met')
  })

  test('is to roll back where a guardrail that rolls back fires, before anything else', () => {
    const missed = [{ ...kpi, result: 'missed' as const }]
    expect(recommend(standing({ alarms: [alarm], kpis: missed }))).toEqual({
      advice: 'roll back',
      reason: 'errors fires for api: 12% against 5%',
    })
  })

  test('is to hold for a missed target, with both numbers', () => {
    expect(recommend(standing({ kpis: [{ ...kpi, result: 'missed' }] }))).toEqual({
      advice: 'hold',
      reason: 'Availability is 99.7%, target above 99.9%',
    })
  })

  test('is to hold while the bake, the answers or the gates are not there yet', () => {
    const { plan, journal } = world('api@10')
    const early = recommend(
      standing({ plan, journal: { ...journal, guardedMs: 60_000, green: {} } }),
    )
    expect(early).toEqual({
      advice: 'hold',
      reason: 'api@10 has baked 1m of 1h; green of api gave 0 of 50 answers',
    })
  })

  test('is to hold while latched, unguarded, under investigation, or in the dark', () => {
    const { latch, journal } = world('api@10')
    const trip = {
      position: 'api@10',
      landing: 'start',
      cause: 'errors',
      value: '12%',
      threshold: '5%',
      at: NOW,
      reason: 'r',
    }
    const open = { guardrail: 'data', service: 'api', value: '1', threshold: '0' }
    const investigations = [{ ...open, position: 'api@10', openedAt: NOW }]
    for (const [changes, reason] of [
      [{ latch: latchAt(latch, trip, {}) }, 'not acknowledged'],
      [{ latch: undefined }, 'counts as latched'],
      [{ guard: { alive: false, reason: 'gone' } }, 'nobody guards: gone'],
      [{ alarms: { unavailable: 'no Prometheus' } }, 'no Prometheus'],
      [{ alarms: [{ ...alarm, then: 'hold' as const }] }, 'errors fires'],
      [{ journal: { ...journal, investigations } }, 'to be looked at'],
    ] as [Partial<Standing>, string][]) {
      const found = recommend(standing(changes))
      expect(found.advice).toBe('hold')
      expect(found.reason).toContain(reason)
    }
  })

  test('is to roll back for a failed gate that the plan says so of, else to hold', () => {
    const { plan, journal, planHash } = world('api@50')
    const failed = {
      gate: 'parity',
      position: 'api@50',
      attempt: 1,
      planHash,
      result: 'failed' as const,
      reason: '3 of 10 differ',
      at: NOW,
    }
    const at = { journal: { ...journal, verdicts: [failed] } }
    expect(recommend(standing({ plan, ...at })).advice).toBe('hold')
    const gates = { ...plan.gates, parity: { ...plan.gates['parity']!, otherwise: 'rollback' } }
    const strict = { ...plan, gates } as Standing['plan']
    expect(recommend(standing({ plan: strict, ...at })).advice).toBe('roll back')
  })
})
