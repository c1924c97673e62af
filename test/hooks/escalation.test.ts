import { describe, expect, it } from 'vitest'
import { Escalation } from '../../hooks/escalation.ts'
import { Metrics } from '../../hooks/metrics.ts'
import { World } from '../../hooks/world.ts'
import type { TripCause } from '../../platforms/operations.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { clearLatch } from '../../rollout/latch.ts'
import { split } from '../../rollout/weights.ts'
import { planInput, world as standing } from '../rollout/world.ts'

function setUp(green = 10) {
  const { plan, planHash, journal } = standing('api@10', {
    ...planInput(),
    notify: { 'on-call': { webhook: 'env:A' }, everyone: { webhook: 'env:B' } },
    escalation: [
      { errors: '1%', notify: ['on-call'] },
      { errors: '5%', notify: ['everyone'], rollback: true },
    ],
  })
  const world = new World({ plan, planHash, clock: 1 })
  world.journal = journal
  world.latch = clearLatch()
  world.weights = { api: split(green) }
  const metrics = new Metrics()
  const events: Omit<RolloutEvent, 'at'>[] = []
  const trips: TripCause[] = []
  const escalation = new Escalation(
    world,
    metrics,
    async (event) => {
      events.push(event)
    },
    (cause) => trips.push(cause),
  )
  const answers = (ok: number, bad: number) => {
    for (let i = 0; i < ok + bad; i++) {
      const sample = { service: 'api', colour: 'green', bad: i < bad, fallback: false } as const
      metrics.record({ ...sample, seconds: 0.01 }, false)
    }
  }
  const told = () => events.flatMap(({ details }) => details?.['notify'])
  return { world, escalation, answers, trips, events, told }
}

describe('the escalation of a hook', () => {
  it('tells the channels of a level once for each crossing, without Prometheus', () => {
    const { escalation, answers, told, trips, events } = setUp()
    answers(98, 2)
    escalation.look()
    escalation.look()
    expect(told()).toEqual(['on-call'])
    expect(events[0]).toMatchObject({
      kind: 'escalation',
      severity: 'critical',
      message: 'green of api has error rate 2% over 100 answers, above 1%',
    })
    expect(trips).toEqual([])
  })

  it('rolls back its service at once where a level says so', () => {
    const { escalation, answers, told, trips } = setUp()
    answers(80, 20)
    escalation.look()
    expect(told()).toEqual(['on-call', 'everyone'])
    expect(trips).toMatchObject([
      {
        cause: 'escalation',
        service: 'api',
        scope: 'service',
        pace: 'immediately',
        threshold: '5%',
      },
    ])
  })

  it('says nothing of a green that has no traffic, nor of a handful of answers', () => {
    const idle = setUp(0)
    idle.answers(0, 100)
    idle.escalation.look()
    expect(idle.told()).toEqual([])
    const few = setUp()
    few.answers(0, 19)
    few.escalation.look()
    expect(few.told()).toEqual([])
  })

  it('forgets what green answered before it got this weight', () => {
    const { escalation, answers, told } = setUp()
    answers(0, 100)
    escalation.moved('api')
    escalation.look()
    expect(told()).toEqual([])
  })
})
