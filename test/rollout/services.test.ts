import { describe, expect, it } from 'vitest'
import {
  addressOf,
  againstPhases,
  cyclesOf,
  fallingOrder,
  groupName,
  groupsOf,
  phasesOf,
  urlOf,
} from '../../rollout/services.ts'
import { fleet } from './fleet.ts'

const names = (plan: ReturnType<typeof fleet>) => Object.keys(plan.services)

describe('phases', () => {
  it('are one for all, of the plan’s name, where neither phases nor tiers are given', () => {
    const plan = fleet({ api: {}, web: {} })
    expect(phasesOf(plan)).toMatchObject([{ name: 'fleet', services: ['api', 'web'] }])
  })

  it('are one a tier, the low before the critical, what has no tier with the low', () => {
    const plan = fleet({
      pay: { tier: 'critical' },
      cache: { tier: 'low' },
      mail: {},
      score: { tier: 'medium' },
    })
    expect(phasesOf(plan).map(({ name, services }) => [name, services])).toEqual([
      ['low', ['cache', 'mail']],
      ['medium', ['score']],
      ['critical', ['pay']],
    ])
  })

  it('leave out a tier that nothing has', () => {
    const plan = fleet({ pay: { tier: 'critical' }, cache: { tier: 'low' } })
    expect(phasesOf(plan).map(({ name }) => name)).toEqual(['low', 'critical'])
  })

  it('are the plan’s own where it has any, whatever the tiers', () => {
    const plan = fleet(
      { pay: { tier: 'critical' }, cache: { tier: 'low' } },
      {
        phases: [
          { name: 'first', services: ['pay'] },
          { name: 'then', services: ['cache'] },
        ],
      },
    )
    expect(phasesOf(plan).map(({ name, services }) => [name, services])).toEqual([
      ['first', ['pay']],
      ['then', ['cache']],
    ])
  })

  it('have every service where they name none', () => {
    const plan = fleet({ api: {}, web: {} }, { phases: [{ name: 'all' }] })
    expect(phasesOf(plan)[0]?.services).toEqual(['api', 'web'])
  })
})

describe('groups', () => {
  it('move what is needed before what needs it, else as the plan has them', () => {
    const plan = fleet({
      web: { dependsOn: ['api'] },
      api: { dependsOn: ['auth'] },
      mail: {},
      auth: {},
    })
    expect(groupsOf(plan, names(plan))).toEqual([['auth'], ['api'], ['web'], ['mail']])
  })

  it('hold together what moves together, also over a third and where only one says so', () => {
    const plan = fleet({
      a: { together: ['b'] },
      x: {},
      b: {},
      c: { together: ['b'] },
    })
    expect(groupsOf(plan, names(plan))).toEqual([['a', 'b', 'c'], ['x']])
  })

  it('move as a whole after everything that one of them needs', () => {
    const plan = fleet({ a: { together: ['b'] }, b: { dependsOn: ['c'] }, c: {} })
    expect(groupsOf(plan, names(plan))).toEqual([['c'], ['a', 'b']])
  })

  it('break a cycle where it would begin, and move each service once', () => {
    const plan = fleet({
      a: { dependsOn: ['b'] },
      b: { dependsOn: ['c'] },
      c: { dependsOn: ['a'] },
    })
    expect(groupsOf(plan, names(plan))).toEqual([['c'], ['b'], ['a']])
  })

  it('do not wait for what moves in another phase, or for what is external', () => {
    const plan = fleet(
      { a: { dependsOn: ['b', 'redis'] }, b: {}, c: {} },
      { external: { redis: { check: ['redis-cli', 'ping'] } } },
    )
    expect(groupsOf(plan, ['a', 'c'])).toEqual([['a'], ['c']])
  })

  it('are called by their services, or by the plan where they are all of them', () => {
    const plan = fleet({ a: {}, b: {}, c: {} })
    expect(groupName(plan, ['a'])).toBe('a')
    expect(groupName(plan, ['a', 'b'])).toBe('a+b')
    expect(groupName(plan, ['a', 'b', 'c'])).toBe('fleet')
    expect(groupName(fleet({ only: {} }), ['only'])).toBe('only')
  })
})

describe('green', () => {
  it('leaves dependents before what they depend on', () => {
    const plan = fleet({
      auth: {},
      api: { dependsOn: ['auth'] },
      web: { dependsOn: ['api'] },
    })
    expect(fallingOrder(plan)).toEqual(['web', 'api', 'auth'])
  })
})

describe('dependencies', () => {
  it('that come back are told, each ring once', () => {
    const plan = fleet({
      a: { dependsOn: ['b'] },
      b: { dependsOn: ['a', 'c'] },
      c: { dependsOn: ['b'] },
      d: { dependsOn: ['a'] },
    })
    expect(cyclesOf(plan)).toEqual([
      ['a', 'b', 'a'],
      ['b', 'c', 'b'],
    ])
    expect(cyclesOf(fleet({ a: {}, b: { dependsOn: ['a'] } }))).toEqual([])
  })

  it('on what moves in a later phase are told; the phases win', () => {
    const plan = fleet({
      generator: { tier: 'medium', dependsOn: ['breaker', 'cache'] },
      breaker: { tier: 'critical' },
      cache: { tier: 'low' },
    })
    expect(againstPhases(plan)).toEqual([
      { service: 'generator', needs: 'breaker', later: 'critical' },
    ])
    expect(phasesOf(plan).flatMap(({ services }) => services)).toEqual([
      'cache',
      'generator',
      'breaker',
    ])
  })
})

describe('the address of a colour', () => {
  const plan = fleet({
    api: {
      blue: { url: 'http://10.0.0.7:80' },
      green: { command: ['node', 'v2.ts'], port: 9_100 },
    },
    web: { blue: { servedBy: 'api.blue' }, green: { servedBy: 'api.green' } },
    fresh: { blue: 'none' },
  })

  it('is its own, or that of the process which serves it', () => {
    expect(addressOf(plan, 'api', 'blue')).toEqual({ url: 'http://10.0.0.7:80' })
    expect(addressOf(plan, 'web', 'blue')).toEqual({ url: 'http://10.0.0.7:80' })
    expect(addressOf(plan, 'web', 'green')).toEqual({ port: 9_100 })
    expect(urlOf(plan, 'web', 'green', '/healthz')).toBe('http://127.0.0.1:9100/healthz')
    expect(urlOf(plan, 'api', 'blue', '/healthz')).toBe('http://10.0.0.7/healthz')
  })

  it('is none where blue is none, or the service is not there', () => {
    expect(addressOf(plan, 'fresh', 'blue')).toBeUndefined()
    expect(urlOf(plan, 'fresh', 'blue', '/')).toBeUndefined()
    expect(addressOf(plan, 'nobody', 'green')).toBeUndefined()
  })
})
