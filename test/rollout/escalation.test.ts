import { describe, expect, it } from 'vitest'
import { escalate } from '../../rollout/escalation.ts'

const levels = [
  { errors: 0.01, notify: ['on-call'], rollback: false },
  { errors: 0.05, notify: ['team-lead'], rollback: true },
  { errors: 0.1, notify: ['everyone'], rollback: false },
]
const look = (before: number[], errors: number, requests = 100, fallbacks = 0) => {
  const { above, crossed, rollsBack, value } = escalate(levels, before, {
    requests,
    errors,
    fallbacks,
  })
  return { above, told: crossed.flatMap(({ notify }) => notify), rollsBack, value }
}

describe('an escalation', () => {
  it('tells everybody up to the level, and rolls back where a level says so', () => {
    expect(look([], 3)).toMatchObject({ told: ['on-call'], rollsBack: false })
    expect(look([], 8)).toMatchObject({ told: ['on-call', 'team-lead'], rollsBack: true })
    expect(look([], 40)).toEqual({
      above: [0, 1, 2],
      told: ['on-call', 'team-lead', 'everyone'],
      rollsBack: true,
      value: 'error rate 40% over 100 answers',
    })
  })

  it('tells a level once for each crossing', () => {
    const first = look([], 3)
    expect(look(first.above, 4).told).toEqual([])
    const over = look(first.above, 1)
    expect(over).toMatchObject({ above: [], told: [] })
    expect(look(over.above, 2).told).toEqual(['on-call'])
  })

  it('goes by at least twenty answers, and leaves out those that green got from blue', () => {
    expect(look([0], 19, 19)).toMatchObject({ above: [0], told: [], rollsBack: false })
    expect(look([], 20, 20).rollsBack).toBe(true)
    expect(look([], 20, 100, 81).rollsBack).toBe(false)
  })
})
