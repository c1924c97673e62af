import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  adoptionOf,
  flagFile,
  flagShares,
  percentOf,
  removedFlags,
} from '../../rollout/flag-file.ts'
import type { OperationRecord } from '../../rollout/journal.ts'
import { clearLatch, latchAt } from '../../rollout/latch.ts'
import { planSchema } from '../../rollout/plan.ts'
import { greenOf, split } from '../../rollout/weights.ts'
import { NOW, planInput, world } from './world.ts'

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'review',
  services: {
    auth: { blue: { url }, green: { url } },
    upload: { blue: 'none', green: { url } },
    agents: {
      blue: { url, flag: 'old-agents' },
      green: { servedBy: 'agents.blue', flag: 'new-agents' },
      strategy: 'feature-toggle',
    },
  },
  steps: [10, 100],
  flags: {
    'use-new-auth': { follows: ['auth'] },
    'any-new': { follows: ['auth', 'upload'] },
    'new-agents': {},
    'old-agents': {},
    writer: { follows: ['auth'], parent: 'new-agents' },
    'performance-mode': {},
    banner: { default: true },
  },
})
const weights = { auth: split(25), upload: split(10), agents: split(40) }
const shares = (more: object = {}) =>
  Object.fromEntries(
    Object.entries(flagShares({ plan, weights, ...more })).map(([name, { from, to }]) => [
      name,
      `${from}-${to}`,
    ]),
  )

describe('the flags of a plan', () => {
  test('follow green of their services, of several where one has any', () => {
    expect(shares()).toMatchObject({ 'use-new-auth': '0-25', 'any-new': '0-25' })
  })

  test('shift what a feature toggle moves: on for the requests that go to its colour', () => {
    expect(shares()).toMatchObject({ 'new-agents': '0-40', 'old-agents': '40-100' })
  })

  test('are off while their parent is off, and for whom it is off', () => {
    expect(shares()['writer']).toBe('0-25')
    const few = { ...weights, agents: split(10) }
    expect(shares({ weights: few })['writer']).toBe('0-10')
    expect(shares({ set: { 'new-agents': false } })['writer']).toBe('0-0')
  })

  test('begin as the plan says where they follow nothing, and stay as they were set', () => {
    expect(shares()).toMatchObject({ 'performance-mode': '0-0', banner: '0-100' })
    const set = { 'performance-mode': true, banner: false }
    expect(shares({ set })).toMatchObject({ 'performance-mode': '0-100', banner: '0-0' })
  })

  test('that follow can be taken back by a person, and never raised above their service', () => {
    expect(shares({ set: { 'use-new-auth': false } })['use-new-auth']).toBe('0-0')
    expect(shares({ set: { 'use-new-auth': true } })['use-new-auth']).toBe('0-25')
  })

  test('go off with the latch, before the router has followed', () => {
    const trip = {
      position: 'auth@25',
      landing: 'start',
      cause: 'errors',
      value: '12%',
      threshold: '5%',
      at: '2026-05-01T12:00:00.000Z',
      reason: 'errors',
    }
    const latch = latchAt(clearLatch(), trip, { auth: split(0), agents: split(5) })
    expect(shares({ latch })).toMatchObject({
      'use-new-auth': '0-0',
      'any-new': '0-10',
      'new-agents': '0-5',
      'old-agents': '5-100',
    })
  })

  test('are all off at the start of a rollout', () => {
    const none = { auth: split(0), upload: split(0), agents: split(0) }
    const on = Object.entries(flagShares({ plan, weights: none })).filter(
      ([, share]) => percentOf(share) > 0,
    )
    expect(on.map(([name]) => name).sort()).toEqual(['banner', 'old-agents'])
  })

  test('are adopted by the answers of the colour they follow', () => {
    const answers = () => ({ blue: 60, green: 40 })
    const adopted = (name: string) =>
      adoptionOf(plan, name, flagShares({ plan, weights })[name]!, answers)
    expect(adopted('new-agents')).toBe(0.4)
    expect(adopted('old-agents')).toBe(0.6)
    expect(adopted('banner')).toBe(1)
    expect(adopted('performance-mode')).toBe(0)
    const none = () => ({ blue: 0, green: 0 })
    expect(adoptionOf(plan, 'new-agents', { from: 0, to: 40 }, none)).toBeUndefined()
  })

  test('are written as flagd reads them', () => {
    const { flags } = flagFile({ plan, weights })
    expect(flags['use-new-auth']).toEqual({
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'off',
      targeting: { if: [{ '<': [{ var: 'bucket' }, 25] }, 'on', 'off'] },
    })
    expect(flags['old-agents']?.targeting).toEqual({
      if: [
        { and: [{ '>=': [{ var: 'bucket' }, 40] }, { '<': [{ var: 'bucket' }, 100] }] },
        'on',
        'off',
      ],
    })
    expect(flags['banner']).toEqual({
      state: 'ENABLED',
      variants: { on: true, off: false },
      defaultVariant: 'on',
    })
  })

  test('never reach a user whose requests go to blue, whatever is set and live', () => {
    const percent = fc.integer({ min: 0, max: 100 })
    const anything = fc.record({ auth: percent, upload: percent, agents: percent })
    const switches = fc.dictionary(fc.constantFrom(...Object.keys(plan.flags)), fc.boolean())
    fc.assert(
      fc.property(anything, switches, (live, set) => {
        const at = Object.fromEntries(Object.entries(live).map(([name, p]) => [name, split(p)]))
        const found = flagShares({ plan, weights: at, set })
        for (const [flag, service] of [
          ['use-new-auth', 'auth'],
          ['new-agents', 'agents'],
        ] as const) {
          expect(percentOf(found[flag]!)).toBeLessThanOrEqual(greenOf(at, service))
        }
      }),
    )
  })
})

describe('flags that end with the rollout', () => {
  const ending = planSchema.parse({
    ...planInput(),
    flags: { 'use-new-api': { follows: ['api'], until: 'retired' }, banner: { default: true } },
    operations: {
      remove: { run: ['remove'], at: 'retired' },
      tell: { run: ['tell'], at: 'retired' },
    },
  })
  const at = (position: string, ...results: OperationRecord['result'][]) => ({
    ...world(position).journal,
    operations: results.map((result, index) => ({
      operation: ['remove', 'tell'][index] as string,
      position,
      attempt: 1,
      result,
      reason: 'r',
      at: NOW,
    })),
  })

  test('stay in the file until everything is done that the plan runs at retired', () => {
    expect(removedFlags(ending, undefined)).toEqual([])
    expect(removedFlags(ending, at('released', 'done', 'done'))).toEqual([])
    expect(removedFlags(ending, at('retired'))).toEqual([])
    expect(removedFlags(ending, at('retired', 'done', 'failed'))).toEqual([])
    expect(removedFlags(ending, at('retired', 'done', 'done'))).toEqual(['use-new-api'])
  })

  test('are in the file no more afterwards, and the others stay', () => {
    const full = { api: split(100) }
    const removed = removedFlags(ending, at('retired', 'done', 'done'))
    expect(Object.keys(flagFile({ plan: ending, weights: full }).flags)).toHaveLength(2)
    expect(Object.keys(flagFile({ plan: ending, weights: full, removed }).flags)).toEqual([
      'banner',
    ])
  })
})
