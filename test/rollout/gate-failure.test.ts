import { expect, it } from 'vitest'
import { actionOnFailure } from '../../rollout/gate-failure.ts'
import { together } from '../../rollout/judgement.ts'

const failed = { result: 'failed', reason: '' } as const

it('a failed gate of a guardrail does what the guardrail says', () => {
  expect(actionOnFailure({ then: 'investigate' }, failed)).toEqual({ do: 'investigate' })
  expect(
    actionOnFailure({ then: { rollback: 'immediately', scope: 'plan' } }, failed),
  ).toMatchObject({ do: 'rollback', scope: 'plan' })
})

it('lost rows roll back even where it says something else, and keep its reach where it does', () => {
  const lost = { ...failed, lost: true }
  expect(actionOnFailure({ then: 'investigate' }, lost)).toMatchObject({ do: 'rollback' })
  expect(actionOnFailure({ then: { run: ['x'] } }, lost)).toMatchObject({ do: 'rollback' })
  expect(actionOnFailure({ then: { rollback: 'immediately', scope: 'plan' } }, lost)).toMatchObject(
    { scope: 'plan' },
  )
})

it('one that passed or is inconclusive calls for nothing', () => {
  for (const result of ['passed', 'inconclusive'] as const) {
    expect(actionOnFailure({ then: 'rollback' }, { result, reason: '' })).toBeUndefined()
  }
})

it('a gate over several services passes only where all pass, and names those that failed', () => {
  const [passed, open] = (['passed', 'inconclusive'] as const).map((result) => ({
    result,
    reason: result,
  }))
  expect(together([['api', passed!]])).toEqual(passed)
  expect(
    together([
      ['api', passed!],
      ['web', open!],
    ]).result,
  ).toBe('inconclusive')
  expect(
    together([
      ['api', { ...failed, reason: 'failed' }],
      ['web', open!],
    ]),
  ).toEqual({ result: 'failed', reason: 'api: failed; web: inconclusive', services: ['api'] })
  expect(together([]).result).toBe('inconclusive')
})
