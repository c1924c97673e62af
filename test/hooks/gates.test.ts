import { describe, expect, it } from 'vitest'
import { dueGates, together } from '../../hooks/gates.ts'
import { serviceOf } from '../../hooks/replay.ts'
import type { Journal } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { allBlue } from '../../rollout/weights.ts'
import { changed } from '../rollout/plans.ts'

const { plan, planHash } = parsePlan(changed({}))

function journal(changes: Partial<Journal> = {}): Journal {
  return {
    plan,
    planHash,
    verified: { position: 'api@25', at: '2026-11-21T12:00:00Z' },
    weights: allBlue(Object.keys(plan.services)),
    attempt: 2,
    guardedMs: 86_400_000,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
    ...changes,
  }
}
const verdict = {
  gate: 'parity',
  position: 'api@25',
  attempt: 2,
  planHash,
  result: 'passed' as const,
  reason: '',
  at: '2026-11-21T12:00:00Z',
}
const due = (changes: Partial<Journal> = {}, clock = 1) =>
  dueGates(plan, planHash, clock, journal(changes)).map(({ name }) => name)

describe('the gates that are due', () => {
  it('are those of the position at the end of its bake, without those that a person answers', () => {
    expect(due()).toEqual(['parity', 'steady'])
  })

  it('are none before the bake is over, and the clock shortens the bake', () => {
    expect(due({ guardedMs: 86_399_000 })).toEqual([])
    expect(due({ guardedMs: 86_399_000 }, 2)).toEqual(['parity', 'steady'])
  })

  it('are none while a move is in flight, or under another plan', () => {
    const weights = allBlue(['api', 'web'])
    const intent = { position: 'api@100', from: weights, to: weights, at: '2026-11-21T12:00:00Z' }
    expect(due({ intent })).toEqual([])
    expect(due({ planHash: 'other' })).toEqual([])
  })

  it('are not those that have passed in this attempt', () => {
    expect(due({ verdicts: [verdict] })).toEqual(['steady'])
    expect(due({ verdicts: [{ ...verdict, attempt: 1 }] })).toEqual(['parity', 'steady'])
    expect(due({ verdicts: [{ ...verdict, result: 'failed' }] })).toEqual(['parity', 'steady'])
    expect(due({ verdicts: [{ ...verdict, result: 'running' }] })).toEqual(['parity', 'steady'])
  })
})

describe('a gate over several services', () => {
  it('passes only where all pass, and fails where one fails', () => {
    const [passed, failed, open] = (['passed', 'failed', 'inconclusive'] as const).map(
      (result) => ({ result, reason: result }),
    )
    expect(together([['api', passed!]])).toEqual(passed)
    expect(
      together([
        ['api', passed!],
        ['web', open!],
      ]).result,
    ).toBe('inconclusive')
    expect(
      together([
        ['api', failed!],
        ['web', open!],
      ]),
    ).toEqual({
      result: 'failed',
      reason: 'api: failed; web: inconclusive',
    })
    expect(together([]).result).toBe('inconclusive')
  })
})

describe('a request of a parity gate', () => {
  it('goes to the service with the longest route', () => {
    expect(serviceOf(plan, '/x?y=/web')).toBe('api')
    expect(serviceOf(plan, '/web')).toBe('web')
    expect(serviceOf(plan, '/web/a')).toBe('web')
    expect(serviceOf(plan, '/webs')).toBe('api')
  })
})
