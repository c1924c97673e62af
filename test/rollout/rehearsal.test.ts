import { expect, it } from 'vitest'
import { clearLatch, type Latch } from '../../rollout/latch.ts'
import { judgeRehearsal } from '../../rollout/rehearsal.ts'
import { split } from '../../rollout/weights.ts'

const at = '2026-11-21T12:00:00Z'
const record = { number: 1, position: 'api@25', landing: 'start', services: ['api'] }
const tripped = (green: number, changes = {}) => ({
  at,
  kind: 'tripped',
  details: {
    trip: 1,
    record: { ...record, ...changes },
    weights: { api: split(green), web: split(100) },
  },
})
const result = (...events: Parameters<typeof judgeRehearsal>[2]) =>
  judgeRehearsal('staging', clearLatch(), events).result

it('a rollback is rehearsed where what it took back stood at 0', () => {
  expect(judgeRehearsal('staging', clearLatch(), [tripped(0)])).toEqual({
    result: 'passed',
    reason: `staging rolled back at ${at}, and green stood at 0`,
  })
})

it('none is where green kept traffic, or had never had any', () => {
  expect(result(tripped(25))).toBe('inconclusive')
  expect(result(tripped(0, { services: undefined }))).toBe('inconclusive')
  expect(result(tripped(0, { position: 'start' }))).toBe('inconclusive')
  expect(judgeRehearsal('staging', undefined, []).reason).toMatch(/staging has never rolled back/)
})

it('one that goes down step by step is where it has come down', () => {
  const down = (green: number) => ({
    at,
    kind: 'descended',
    details: { trip: 1, weights: { api: split(green), web: split(100) } },
  })
  expect(result(tripped(75), down(50))).toBe('inconclusive')
  expect(result(tripped(75), down(50), down(0))).toBe('passed')
})

it('the latch alone says it too, but not while it is still on its way', () => {
  const latch = {
    ...clearLatch(),
    trips: 1,
    latched: true,
    ceiling: { api: split(0) },
    trip: { ...record, at },
  } as unknown as Latch
  expect(judgeRehearsal('staging', latch, []).result).toBe('passed')
  const descent = { left: [0], everyMs: 1, since: at, landing: {} }
  expect(judgeRehearsal('staging', { ...latch, descent }, []).result).toBe('inconclusive')
})
