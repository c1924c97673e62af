import { describe, expect, it } from 'vitest'
import { parsePlan } from '../../rollout/parse-plan.ts'
import {
  findPosition,
  landingOf,
  positionsOf,
  type Scope,
  servicesInScope,
} from '../../rollout/positions.ts'
import { split } from '../../rollout/weights.ts'
import { fleet } from './fleet.ts'
import { changed } from './plans.ts'
import { world } from './world.ts'

const NAMES = ['start', 'api@10', 'api@50', 'api@100', 'promoted', 'released', 'retired']

describe('positions', () => {
  it('are a list of names, from no traffic to blue deleted', () => {
    const { positions } = world('start')
    expect(positions.map(({ name }) => name)).toEqual(NAMES)
    expect(positions.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(positions.map(({ weights }) => weights['api']?.green)).toEqual([
      0, 10, 50, 100, 100, 100, 100,
    ])
  })

  it('of two services move one after the other', () => {
    const { plan } = parsePlan(changed({}))
    const at = findPosition(positionsOf(plan), 'web@5')
    expect(at?.weights).toEqual({ api: split(100), web: split(5) })
  })

  it('have the gates of their step and those of every step, each once', () => {
    const { plan } = parsePlan(changed({ 'gates.parity.at': 'every-step' }))
    const gates = Object.fromEntries(positionsOf(plan).map((at) => [at.name, at.gates]))
    expect(gates).toMatchObject({
      start: ['parity'],
      'api@5': ['parity', 'steady'],
      'api@25': ['parity', 'approval', 'steady'],
      promoted: [],
    })
  })

  it('have the bake of their step, or the plan’s, or what retire asks for', () => {
    const { plan } = parsePlan(changed({ bake: '2h', retire: { after: '30d' } }))
    const bakes = Object.fromEntries(positionsOf(plan).map((at) => [at.name, at.bakeMs]))
    expect(bakes).toMatchObject({
      start: 0,
      'api@5': 7_200_000,
      'api@25': 86_400_000,
      promoted: 2_592_000_000,
      released: 0,
    })
  })

  it('are found by name or number, and by nothing else', () => {
    const { positions } = world('start')
    for (const [index, name] of NAMES.entries()) {
      expect(findPosition(positions, name)?.index).toBe(index)
      expect(findPosition(positions, index)?.name).toBe(name)
      expect(findPosition(positions, ` ${index} `)?.name).toBe(name)
    }
    for (const none of ['', 'api', 'API@10', '7', '-1', '1.5', '99999999999999999999']) {
      expect(findPosition(positions, none)).toBeUndefined()
    }
  })

  it('are landed on where everything stood at 0', () => {
    const { positions } = world('start')
    for (const from of positions) expect(landingOf(positions, from).name).toBe('start')
  })
})

const namesOf = (plan: Parameters<typeof positionsOf>[0]) =>
  positionsOf(plan)
    .filter(({ kind }) => kind === 'step')
    .map(({ name }) => name)

describe('the positions of many services', () => {
  it('go by tier, then by dependencies, then as the plan has them', () => {
    const plan = fleet(
      {
        pay: { tier: 'critical' },
        web: { tier: 'low', dependsOn: ['cache'] },
        cache: { tier: 'low' },
      },
      { steps: [100] },
    )
    expect(namesOf(plan)).toEqual(['cache@100', 'web@100', 'pay@100'])
  })

  it('have one name for what moves together, and one weight', () => {
    const plan = fleet({ api: { together: ['web'] }, jobs: {}, web: {} })
    expect(namesOf(plan)).toEqual(['api+web@50', 'api+web@100', 'jobs@50', 'jobs@100'])
    const half = findPosition(positionsOf(plan), 'api+web@50')
    expect(half?.weights).toEqual({ api: split(50), web: split(50), jobs: split(0) })
    expect(half?.services).toEqual(['api', 'web'])
  })

  it('have the name of the plan where all move as one', () => {
    const plan = fleet({ a: { together: ['b', 'c'] }, b: {}, c: {} })
    expect(namesOf(plan)).toEqual(['fleet@50', 'fleet@100'])
  })

  it('have the phase before a weight that comes twice, and only there', () => {
    const plan = fleet(
      { match: {} },
      {
        phases: [
          { name: 'try', steps: [5, 25] },
          { name: 'scale', steps: [25, 100], bake: '48h' },
        ],
      },
    )
    expect(namesOf(plan)).toEqual(['match@5', 'try/match@25', 'scale/match@25', 'match@100'])
    const positions = positionsOf(plan)
    expect(findPosition(positions, 'match@25')).toBeUndefined()
    expect(findPosition(positions, 'scale/match@25')).toMatchObject({
      index: 3,
      phase: 'scale',
      bakeMs: 172_800_000,
    })
  })

  it('go through every phase with what each service has from the one before', () => {
    const plan = fleet(
      { api: {}, web: {} },
      {
        phases: [
          { name: 'try', services: ['api'], steps: [10] },
          { name: 'all', steps: [10, 100] },
        ],
      },
    )
    expect(
      positionsOf(plan)
        .filter(({ kind }) => kind === 'step')
        .map(({ weights }) => [weights['api']?.green, weights['web']?.green]),
    ).toEqual([
      [10, 0],
      [10, 0],
      [100, 0],
      [100, 10],
      [100, 100],
    ])
  })

  it('are gated at the end of a phase, before the next, and by what shows a service alike', () => {
    const gate = (at?: 'start') => ({ run: ['true'], ...(at ? { at } : {}) })
    const plan = fleet(
      { api: { state: { gate: 'alike' } }, web: {} },
      {
        steps: [100],
        gates: { alike: gate(), go: gate(), checked: gate(), next: gate() },
        phases: [
          { name: 'one', services: ['api'], begin: ['go'], end: ['checked'] },
          { name: 'two', services: ['web'], begin: ['next'] },
        ],
      },
    )
    const gates = Object.fromEntries(positionsOf(plan).map(({ name, gates }) => [name, gates]))
    expect(gates).toMatchObject({
      start: ['go'],
      'api@100': ['alike', 'checked', 'next'],
      'web@100': [],
    })
    const ends = positionsOf(plan).filter(({ endsPhase }) => endsPhase)
    expect(ends.map(({ name }) => name)).toEqual(['api@100', 'web@100'])
  })
})

describe('a rollback', () => {
  const plan = fleet(
    { api: { together: ['web'] }, web: {}, jobs: {}, mail: {} },
    {
      phases: [
        { name: 'core', services: ['api', 'web', 'jobs'] },
        { name: 'rest', services: ['mail'] },
      ],
    },
  )
  const positions = positionsOf(plan)
  const landing = (from: string, scope: Scope, service: string) =>
    landingOf(
      positions,
      findPosition(positions, from) ?? positions[0]!,
      servicesInScope(plan, scope, service),
    ).name

  it('takes back a service with what moves together with it, its phase, or everything', () => {
    expect(servicesInScope(plan, 'service', 'web')).toEqual(['api', 'web'])
    expect(servicesInScope(plan, 'service', 'mail')).toEqual(['mail'])
    expect(servicesInScope(plan, 'phase', 'jobs')).toEqual(['api', 'web', 'jobs'])
    expect(servicesInScope(plan, 'plan', 'mail')).toEqual(['api', 'web', 'jobs', 'mail'])
    expect(servicesInScope(plan, 'service', undefined)).toHaveLength(4)
    expect(servicesInScope(plan, 'service', 'nobody')).toHaveLength(4)
  })

  it('lands where its scope stood at 0 last; what came later comes back with it', () => {
    expect(landing('mail@50', 'service', 'mail')).toBe('jobs@100')
    expect(landing('mail@50', 'service', 'jobs')).toBe('api+web@100')
    expect(landing('mail@50', 'service', 'web')).toBe('start')
    expect(landing('mail@50', 'phase', 'mail')).toBe('jobs@100')
    expect(landing('mail@50', 'phase', 'jobs')).toBe('start')
    expect(landing('mail@50', 'plan', 'mail')).toBe('start')
    expect(landing('promoted', 'service', 'mail')).toBe('jobs@100')
  })

  it('of what has not moved yet lands where it stands', () => {
    expect(landing('jobs@50', 'service', 'mail')).toBe('jobs@50')
  })
})
