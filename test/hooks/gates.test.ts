import { describe, expect, it } from 'vitest'
import { serviceOf } from '../../hooks/gates/ask.ts'
import { KINDS, kindOf, servicesOf } from '../../hooks/gates/kinds.ts'
import { runsOf } from '../../hooks/gates/suite.ts'
import { dueGates, takenBackBy } from '../../hooks/gates.ts'
import type { Journal } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { Gate } from '../../rollout/plan.ts'
import { allBlue, split } from '../../rollout/weights.ts'
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

  it('are none while the step settles', () => {
    const settling = { ...plan, settle: 30_000 }
    const names = (guardedMs: number) =>
      dueGates(settling, planHash, 1, journal({ guardedMs })).map(({ name }) => name)
    expect(names(86_429_000)).toEqual([])
    expect(names(86_430_000)).toEqual(['parity', 'steady'])
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

describe('the services of a gate', () => {
  const weights = { api: split(25), web: split(0) }
  const gate = (services?: string[]) => ({ services }) as unknown as Gate

  it('are those with traffic on green', () => {
    expect(servicesOf(plan, gate(), { traffic: true }, weights)).toEqual(['api'])
    expect(servicesOf(plan, gate(['api', 'web']), { traffic: false }, weights)).toEqual(['api'])
  })

  it('are all where none has, unless the gate says something only of traffic', () => {
    const none = allBlue(['api', 'web'])
    expect(servicesOf(plan, gate(), { traffic: false }, none)).toEqual(['api', 'web'])
    expect(servicesOf(plan, gate(), { traffic: true }, none)).toEqual([])
  })

  it('are elsewhere where it names only some that have none yet', () => {
    expect(servicesOf(plan, gate(['web']), { traffic: true }, weights)).toBe('elsewhere')
    expect(servicesOf(plan, gate(['web']), { traffic: false }, weights)).toEqual(['web'])
  })
})

describe('what a failed gate takes back', () => {
  const step = { kind: 'step' as const, services: ['api'] }

  it('is what it failed for, else the services of the step, else everything', () => {
    expect(takenBackBy(plan, step, { services: ['web'] })).toEqual(['web'])
    expect(takenBackBy(plan, step, {})).toEqual(['api'])
    expect(takenBackBy(plan, { kind: 'promoted', services: ['api', 'web'] }, {})).toEqual([
      undefined,
    ])
  })

  it('names a group that moves together once', () => {
    const joined = structuredClone(plan)
    joined.services['api']!.together = ['web']
    expect(takenBackBy(joined, step, { services: ['api', 'web'] })).toHaveLength(1)
  })
})

describe('the runs of a suite', () => {
  it('are one, or two for each flag, with its name in capitals', () => {
    expect(runsOf(undefined)).toEqual([{ what: '', variables: {} }])
    expect(runsOf(['use-new-auth'])).toEqual([
      {
        what: 'with use-new-auth off',
        variables: { USE_NEW_AUTH: 'false', SLUICE_FLAG_USE_NEW_AUTH: 'false' },
      },
      {
        what: 'with use-new-auth on',
        variables: { USE_NEW_AUTH: 'true', SLUICE_FLAG_USE_NEW_AUTH: 'true' },
      },
    ])
  })
})

describe('the kinds of gates', () => {
  it('are all that the schema knows, but for what a person answers', () => {
    const first = ['metric', 'query', 'replay', 'compare', 'cases', 'load', 'run', 'experiment']
    expect(Object.keys(KINDS)).toEqual([...first, 'logs', 'rehearsed'])
    expect(kindOf({ confirm: 'well?' } as Gate)).toBeUndefined()
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
