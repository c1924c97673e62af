import { describe, expect, it } from 'vitest'
import { Escalation } from '../../hooks/escalation.ts'
import { World } from '../../hooks/world.ts'
import type { TripCause } from '../../platforms/operations.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { clearLatch } from '../../rollout/latch.ts'
import { split } from '../../rollout/weights.ts'
import { planInput, world as standing } from '../rollout/world.ts'

function setUp(green = 10) {
  const { plan, planHash, journal } = standing('api@10', {
    ...planInput(),
    notify: {
      'on-call': { webhook: 'env:A' },
      lead: { webhook: 'env:B' },
      everyone: { webhook: 'env:C', only: 'named' },
    },
    escalation: [
      { errors: '1%', notify: ['on-call'] },
      { errors: '5%', notify: ['lead'], rollback: true },
      { errors: '10%', notify: ['everyone'] },
    ],
  })
  const world = new World({ plan, planHash, clock: 1 })
  world.journal = journal
  world.latch = clearLatch()
  world.weights = { api: split(green) }
  const events: Omit<RolloutEvent, 'at'>[] = []
  const trips: TripCause[] = []
  const record = async (event: Omit<RolloutEvent, 'at'>) => {
    events.push(event)
  }
  const escalation = new Escalation(world, record, (cause) => trips.push(cause))
  const answers = (count: number, kind: 'ok' | 'bad' | 'fallback') => {
    for (let i = 0; i < count; i++) {
      escalation.judge({
        service: 'api',
        colour: 'green',
        bad: kind === 'bad',
        fallback: kind === 'fallback',
        seconds: 0.01,
      })
    }
  }
  /** One bad answer of so many, so often. */
  const mixed = (of: number, times: number) => {
    for (let i = 0; i < times; i++) {
      answers(1, 'bad')
      answers(of - 1, 'ok')
    }
  }
  const weigh = (percent: number, latched = false) => {
    if (latched) {
      world.latch = { ...clearLatch(), latched: true, ceiling: { api: split(percent) } }
    }
    world.weights = { api: split(percent) }
    escalation.moved('api')
  }
  const told = () => events.flatMap(({ details }) => details?.['notify'])
  return { world, escalation, answers, mixed, weigh, trips, events, told }
}

describe('the escalation of a hook', () => {
  it('tells the channels of a level once for each crossing, without Prometheus', () => {
    const { mixed, answers, told, trips, events } = setUp()
    mixed(40, 40)
    expect(told()).toEqual(['on-call'])
    expect(events[0]).toMatchObject({
      kind: 'escalation',
      severity: 'critical',
      message: expect.stringMatching(
        /^green of api has error rate 2\.\d+% over the last \d+ answers, above 1%$/,
      ),
    })
    expect(trips).toEqual([])
    answers(2_000, 'ok')
    mixed(40, 40)
    expect(told()).toEqual(['on-call', 'on-call'])
  })

  it('rolls back its service at once where a level says so', () => {
    const { answers, told, trips } = setUp()
    answers(8, 'bad')
    expect(trips).toMatchObject([
      {
        cause: 'escalation',
        service: 'api',
        scope: 'service',
        pace: 'immediately',
        value: 'error rate 100% over the last 8 answers',
        threshold: '5%',
        firstBadAt: expect.any(String),
      },
    ])
    expect(told()).toEqual(['on-call', 'lead', 'everyone'])
  })

  it('rolls nothing back for two errors in twenty answers', () => {
    const { mixed, trips, told } = setUp()
    mixed(10, 2)
    expect(trips).toEqual([])
    expect(told()).toEqual([])
  })

  it('tells of the levels that were crossed when something else took green back, once', () => {
    const { mixed, weigh, escalation, told, trips } = setUp()
    mixed(2, 4)
    expect(told()).toEqual([])
    weigh(0, true)
    escalation.look()
    expect(told()).toEqual(['on-call', 'lead', 'everyone'])
    expect(trips).toEqual([])
  })

  it('tells of them too where the router has not followed the latch yet', () => {
    const { mixed, world, escalation, told } = setUp()
    mixed(2, 4)
    world.latch = { ...clearLatch(), latched: true, ceiling: { api: split(0) } }
    escalation.look()
    expect(told()).toEqual(['on-call', 'lead', 'everyone'])
    escalation.moved('api')
    expect(told()).toHaveLength(3)
  })

  it('goes on judging what a rollback leaves on green, and repeats nothing', () => {
    const { answers, mixed, weigh, told, trips } = setUp(75)
    mixed(2, 3)
    weigh(50, true)
    expect(told()).toEqual(['on-call'])
    answers(8, 'bad')
    expect(trips).toMatchObject([{ cause: 'escalation' }])
    expect(told()).toEqual(['on-call', 'lead', 'everyone'])
  })

  it('tells nobody when a healthy green is taken back, nor when one is moved by an update', () => {
    const taken = setUp()
    taken.mixed(200, 10)
    taken.weigh(0, true)
    const moved = setUp()
    moved.mixed(2, 3)
    moved.weigh(50)
    moved.answers(6, 'bad')
    expect([...taken.told(), ...moved.told()]).toEqual([])
  })

  it('says nothing of a green that has no traffic, nor of what green got from blue', () => {
    const idle = setUp(0)
    idle.answers(100, 'bad')
    idle.escalation.look()
    const fallen = setUp()
    fallen.answers(7, 'bad')
    fallen.answers(10_000, 'fallback')
    expect(idle.told()).toEqual([])
    expect(fallen.told()).toEqual(['on-call'])
    // They have not thinned the errors out either.
    fallen.answers(1, 'bad')
    expect(fallen.trips).toHaveLength(1)
  })

  it('asks again for the rollback of a green that is still there, until it is well', () => {
    const { answers, escalation, trips, told } = setUp()
    answers(8, 'bad')
    escalation.look()
    expect(trips).toHaveLength(2)
    answers(1_000, 'ok')
    escalation.look()
    expect(trips).toHaveLength(2)
    expect(told()).toHaveLength(3)
  })
})
