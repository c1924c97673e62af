import { describe, expect, it } from 'vitest'
import { actionOf, holdsRises, reachOf, rollsBack } from '../../rollout/action.ts'
import { guardrail } from '../../rollout/schema/guardrail.ts'

const read = (then: unknown) => guardrail.parse({ metric: 'error-rate', above: '5%', then })

describe('the action of a guardrail', () => {
  it('takes its service back at once, where it only says rollback', () => {
    expect(actionOf(read('rollback'))).toEqual({
      do: 'rollback',
      scope: 'service',
      pace: 'immediately',
    })
    expect(rollsBack(read('rollback'))).toBe(true)
  })

  it('goes down through 75, 50, 25 and 0 with five minutes between, where it says progressively', () => {
    expect(reachOf(read({ rollback: 'progressively', scope: 'phase' }))).toEqual({
      scope: 'phase',
      pace: { through: [75, 50, 25, 0], everyMs: 300_000 },
    })
    expect(
      reachOf(read({ rollback: 'progressively', through: [40, 0], every: '1m' })).pace,
    ).toEqual({ through: [40, 0], everyMs: 60_000 })
  })

  it('runs a command, sets a flag, or only says a word', () => {
    expect(actionOf(read({ run: ['./scale.sh'], again: '5m' }))).toEqual({
      do: 'run',
      command: ['./scale.sh'],
      againMs: 300_000,
    })
    expect(actionOf(read({ flag: 'performance-mode' }))).toEqual({
      do: 'flag',
      flag: 'performance-mode',
    })
    expect(actionOf(read('investigate'))).toEqual({ do: 'investigate' })
  })

  it('holds every rise while it rolls back, holds or is investigated', () => {
    const all = ['rollback', 'hold', 'investigate', 'notify', 'run', 'flag'] as const
    expect(all.filter(holdsRises)).toEqual(['rollback', 'hold', 'investigate'])
  })
})
