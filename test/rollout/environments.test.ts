import { describe, expect, test } from 'vitest'
import { admit } from '../../rollout/admission.ts'
import { environmentBefore, environmentProblems } from '../../rollout/environments.ts'
import { NOW, planInput, world } from './world.ts'

const environments = ['development', 'staging', 'production']
const { plan } = world('start', { ...planInput(), environments })
const without = world('start').plan

describe('the environment of a stack', () => {
  test('is asked for where the plan has environments, and must be one of them', () => {
    expect(environmentProblems(plan, { clock: 1 }, false).join()).toContain(
      'is missing; the plan shop has development, staging, production',
    )
    expect(environmentProblems(plan, { environment: 'test', clock: 1 }, false).join()).toContain(
      '"test" is none of the plan shop',
    )
    expect(environmentProblems(plan, { environment: 'staging', clock: 60 }, false)).toEqual([])
  })

  test('is refused where the plan has none', () => {
    expect(environmentProblems(without, { clock: 60 }, false)).toEqual([])
    expect(environmentProblems(without, { environment: 'x', clock: 1 }, false)).toHaveLength(1)
  })

  test('runs in real time where it is the last one, unless a rehearsal is named', () => {
    const fast = { environment: 'production', clock: 60 }
    expect(environmentProblems(plan, fast, false).join()).toContain('SLUICE_REHEARSAL=1')
    expect(environmentProblems(plan, fast, true)).toEqual([])
  })

  test('follows the one before it', () => {
    expect(environmentBefore(plan, 'development')).toBeUndefined()
    expect(environmentBefore(plan, 'production')).toBe('staging')
    expect(environmentBefore(plan, 'elsewhere')).toBeUndefined()
  })

  test('that is none of the plan goes nowhere', () => {
    const { request, observation } = world('start', { ...planInput(), environments })
    const asked = { ...request, position: 'api@10' }
    const decided = admit(asked, { ...observation, at: NOW }, 'preview', 1)
    expect(decided.refusals.map(({ place }) => place)).toContain('sluice:environment')
  })
})
