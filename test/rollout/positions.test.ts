import { describe, expect, it } from 'vitest'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { findPosition, landingOf, positionsOf } from '../../rollout/positions.ts'
import { split } from '../../rollout/weights.ts'
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
