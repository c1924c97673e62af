import { describe, expect, it } from 'vitest'
import { Operations, type TripCause } from '../../platforms/operations.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import type { Pace } from '../../rollout/action.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { allBlue, greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import { MemoryRouter, MemoryStore } from './memory.ts'

/** `web` needs `api`, which needs `accounts`; `mail` needs nobody and is moved last. */
const service = (port: number, more: object = {}) => ({
  blue: { url: `http://127.0.0.1:${port}` },
  green: { url: `http://127.0.0.1:${port + 1}` },
  ...more,
})
const input = {
  name: 'shop',
  services: {
    accounts: service(9001),
    api: service(9003, { dependsOn: ['accounts'], routes: ['/api'] }),
    web: service(9005, { dependsOn: ['api'], routes: ['/web'] }),
    mail: service(9007, { routes: ['/mail'] }),
  },
  phases: [
    { name: 'core', services: ['accounts', 'api', 'web'] },
    { name: 'rest', services: ['mail'] },
  ],
  steps: [50, 100],
  minimumRequests: 1,
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  notify: { everyone: { webhook: 'env:PAGER_URL' } },
} satisfies PlanInput
const { plan, planHash } = parsePlan(input)
const SLOWLY: Pace = { through: [75, 50, 25, 0], everyMs: 300_000 }

/** A rollout that stands somewhere, on a clock of the test. */
async function standing(position: string, changes: Partial<PlanInput> = {}) {
  const { plan, planHash } = parsePlan({ ...input, ...changes })
  const store = new MemoryStore()
  const services = Object.keys(plan.services)
  const router = new MemoryRouter(allBlue(services), () => store.latch?.latched ?? false)
  const announced: RolloutEvent[] = []
  let now = Date.parse('2026-05-01T12:00:00Z')
  const parts = {
    store,
    router,
    now: () => new Date(now),
    alarms: () => [],
    guard: () => ({ alive: true, planHash }),
    announce: (event: RolloutEvent) => announced.push(event),
  }
  const operations = new Operations(parts)
  const request = { plan, planHash, position: 'start', attempt: 1, confirmed: [], clock: 1 }
  await operations.admit(request)
  await operations.verify(request)
  const stands = findPosition(positionsOf(plan), position)!
  await operations.progress((journal) => ({
    ...journal,
    verified: { position, at: new Date(now).toISOString() },
    weights: stands.weights,
  }))
  await router.write(stands.weights)
  router.written.length = 0
  const trip = (one: string | undefined, more: Partial<TripCause> = {}) =>
    operations.trip({
      cause: 'errors',
      value: '12%',
      threshold: '5%',
      reason: `guardrail errors fires for ${one}`,
      ...(one === undefined ? {} : { service: one }),
      ...more,
    })
  return {
    store,
    router,
    operations,
    announced,
    trip,
    /** What a hook that starts anew has: nothing but the store and the router. */
    another: () => new Operations(parts),
    pass: (seconds: number) => {
      now += seconds * 1_000
    },
    greens: () => greensOf(router.weights),
  }
}

function greensOf(weights: ServiceWeights): number[] {
  return ['accounts', 'api', 'web', 'mail'].map((one) => greenOf(weights, one))
}

describe('a rollback of one service', () => {
  it('leaves those before it where they are, and lands where it stood at 0', async () => {
    const { trip, greens, store } = await standing('web@100')
    await trip('web')
    expect(greens()).toEqual([100, 100, 0, 0])
    expect(store.latch).toMatchObject({
      latched: true,
      trip: { position: 'web@100', landing: 'api@100', services: ['web'] },
    })
    expect(store.journal?.verified.position).toBe('api@100')
  })

  it('takes back what came after it, dependents first', async () => {
    const { trip, greens, router, store } = await standing('mail@50')
    await trip('api')
    expect(greens()).toEqual([100, 0, 0, 0])
    const order = router.written.flatMap(({ weights }) => Object.keys(weights))
    expect(order.indexOf('web')).toBeLessThan(order.indexOf('api'))
    expect(store.latch?.trip?.landing).toBe('accounts@100')
  })

  it('takes back its phase, or the whole plan, where its guardrail says so', async () => {
    const phase = await standing('mail@50')
    await phase.trip('mail', { scope: 'phase' })
    expect(phase.greens()).toEqual([100, 100, 100, 0])
    const core = await standing('mail@50')
    await core.trip('web', { scope: 'phase' })
    expect(core.greens()).toEqual([0, 0, 0, 0])
    const all = await standing('mail@50')
    await all.trip('mail', { scope: 'plan' })
    expect(all.greens()).toEqual([0, 0, 0, 0])
    const order = all.router.written.flatMap(({ weights }) => Object.keys(weights))
    expect(order.filter((one) => one !== 'mail')).toEqual(['web', 'api', 'accounts'])
  })

  it('is the whole plan where no service is named', async () => {
    const { trip, greens, store } = await standing('web@100')
    await trip(undefined)
    expect(greens()).toEqual([0, 0, 0, 0])
    expect(store.latch?.trip?.landing).toBe('start')
  })

  it('keeps its number, and goes further down when what it left trips too', async () => {
    const { trip, greens, store, announced } = await standing('web@100')
    await trip('web')
    expect(await trip('api')).toMatchObject({ latched: false })
    expect(greens()).toEqual([100, 0, 0, 0])
    expect(store.latch).toMatchObject({
      trips: 1,
      trip: { cause: 'errors', landing: 'accounts@100', services: ['web', 'api'] },
    })
    expect(store.journal?.verified.position).toBe('accounts@100')
    expect(announced.at(-1)?.message).toMatch(/^the rollback goes further down: .* for api/)
  })

  it('misses nothing of what trips while it is at work', async () => {
    const { trip, greens, store, announced } = await standing('mail@100')
    const both = await Promise.all([trip('mail'), trip('api'), trip('mail'), trip('web')])
    expect(both.filter(({ latched }) => latched)).toHaveLength(1)
    expect(greens()).toEqual([100, 0, 0, 0])
    expect(store.latch).toMatchObject({ trips: 1, trip: { landing: 'accounts@100' } })
    expect(announced.filter(({ message }) => /^ROLLED BACK/.test(message))).toHaveLength(1)
  })

  it('refuses to raise what stayed, as long as it is latched', async () => {
    const { trip, operations, router } = await standing('web@50')
    await trip('web')
    await expect(operations.setWeights('web', { blue: 50, green: 50 })).rejects.toThrow(/latched/)
    expect(greenOf(router.weights, 'web')).toBe(0)
  })
})

describe('a progressive rollback', () => {
  it('observes five minutes at each weight on its way down', async () => {
    const { trip, greens, operations, pass, store, announced } = await standing('web@100')
    await trip('web', { pace: SLOWLY })
    expect(greens()).toEqual([100, 100, 75, 0])
    const seen = [75]
    for (let minute = 0; minute < 20; minute++) {
      pass(60)
      if (await operations.descend(1, false)) seen.push(greens()[2]!)
    }
    expect(seen).toEqual([75, 50, 25, 0])
    expect(greens()).toEqual([100, 100, 0, 0])
    expect(store.latch?.descent).toBeUndefined()
    expect(store.latch?.latched).toBe(true)
    expect(announced.filter(({ kind }) => kind === 'descended')).toHaveLength(3)
  })

  it('goes on at once where a step is not stable', async () => {
    const { trip, greens, operations } = await standing('web@100')
    await trip('web', { pace: SLOWLY })
    await operations.descend(1, true)
    expect(greens()[2]).toBe(50)
  })

  it('is ended at once by a trip that does not wait, and by a person', async () => {
    const one = await standing('web@100')
    await one.trip('web', { pace: SLOWLY })
    await one.trip('web', { cause: 'dead' })
    expect(one.greens()).toEqual([100, 100, 0, 0])
    const person = await standing('web@100')
    await person.trip('web', { pace: SLOWLY })
    await person.trip(undefined, { cause: 'rollback' })
    expect(person.greens()).toEqual([0, 0, 0, 0])
    expect(person.store.latch).toMatchObject({ trips: 1, trip: { landing: 'start' } })
    expect(await person.operations.descend(1, true)).toBeUndefined()
  })

  it('goes on from the latch alone, in another process', async () => {
    const { trip, greens, another, pass } = await standing('web@100')
    await trip('web', { pace: SLOWLY })
    pass(300)
    await another().descend(1, false)
    expect(greens()[2]).toBe(50)
    // Killed between the latch and the router: the next look brings the router under the latch.
    const killed = await standing('web@100')
    await killed.trip('web', { pace: SLOWLY })
    killed.router.failure = new Error('gone')
    killed.pass(300)
    await expect(killed.operations.descend(1, false)).rejects.toThrow('gone')
    killed.router.failure = undefined
    await killed.another().assert()
    expect(killed.greens()[2]).toBe(50)
  })

  it('is not repeated by the alarm that began it', async () => {
    const { trip, greens, store } = await standing('web@100')
    await trip('web', { pace: SLOWLY })
    const before = store.latch
    for (let again = 0; again < 5; again++) await trip('web', { pace: SLOWLY })
    expect(store.latch).toEqual(before)
    expect(greens()[2]).toBe(75)
  })

  it('keeps a new attempt away until it has landed', async () => {
    const { trip, operations } = await standing('web@100')
    await trip('web', { pace: SLOWLY })
    const request = { plan, planHash, position: 'api@100', attempt: 2, confirmed: [], clock: 1 }
    await expect(operations.admit(request, 1)).rejects.toThrow(/still on its way down/)
  })
})

describe('a phase that is left going forward', () => {
  it('is told to its audience, and leaves a checkpoint', async () => {
    const { operations, announced, store, router } = await standing('web@100', {
      phases: [
        {
          name: 'core',
          services: ['accounts', 'api', 'web'],
          announce: { to: ['everyone'], text: 'The core has moved' },
        },
        { name: 'rest', services: ['mail'] },
      ],
    })
    const { plan: own, planHash: hash } = store.journal!
    const request = { plan: own, planHash: hash, position: 'mail@50', attempt: 1 }
    const target = findPosition(positionsOf(own), 'mail@50')!
    await router.write(target.weights)
    await operations.verify({ ...request, confirmed: [], clock: 1 })
    const told = announced.find(({ kind }) => kind === 'checkpoint')
    expect(told).toMatchObject({
      message: 'The core has moved (phase core is finished at web@100)',
      details: { notify: ['everyone'] },
    })
    expect(store.journal?.checkpoints).toMatchObject([{ phase: 'core', position: 'web@100' }])
    expect(announced.filter(({ kind }) => kind === 'checkpoint')).toHaveLength(1)
  })
})
