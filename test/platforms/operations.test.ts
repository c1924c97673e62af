import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Operations, type TripCause } from '../../platforms/operations.ts'
import { Refused } from '../../platforms/platform.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { allBlue, split } from '../../rollout/weights.ts'
import { MemoryRouter, MemoryStore, type Pause } from './memory.ts'

const { plan, planHash } = parsePlan({
  name: 'pair',
  services: {
    api: { blue: { url: 'http://127.0.0.1:9001' }, green: { url: 'http://127.0.0.1:9002' } },
    web: {
      blue: { url: 'http://127.0.0.1:9003' },
      green: { url: 'http://127.0.0.1:9004' },
      routes: ['/web'],
    },
  },
  steps: [25, 100],
  bake: '1s',
  minimumRequests: 1,
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
})
const CAUSE: TripCause = {
  cause: 'errors',
  value: '12%',
  threshold: '5%',
  reason: 'guardrail errors',
}

function setUp(pause?: Pause) {
  const store = new MemoryStore(pause)
  const latched = () => store.latch?.latched ?? false
  const router = new MemoryRouter(allBlue(['api', 'web']), latched, pause)
  const announced: RolloutEvent[] = []
  const alarms: Alarm[] = []
  let alive = true
  const operations = new Operations({
    store,
    router,
    now: () => new Date(),
    alarms: () => alarms,
    guard: () => ({ alive, planHash, reason: alive ? undefined : 'it is away' }),
    announce: (event) => announced.push(event),
  })
  const request = (position: string, attempt = 1) => ({
    plan,
    planHash,
    position,
    attempt,
    confirmed: [],
    clock: 1,
  })
  const bake = () =>
    operations.progress((journal) => ({
      ...journal,
      guardedMs: 10_000,
      green: {
        api: { requests: 100, errors: 0 },
        web: { requests: 100, errors: 0 },
      },
    }))
  const weightsOf = (name: string) => findPosition(positionsOf(plan), name)!.weights
  const move = async (position: string, attempt = 1, last?: number) => {
    const { permitted } = await operations.admit(request(position, attempt), last)
    for (const [service, weights] of Object.entries(permitted)) {
      await operations.setWeights(service, weights)
    }
    await operations.verify(request(position, attempt))
    await bake()
  }
  return {
    store,
    router,
    operations,
    announced,
    request,
    bake,
    move,
    weightsOf,
    setAlive: (value: boolean) => {
      alive = value
    },
  }
}

describe('a rollout', () => {
  it('goes forward position by position, and every step back goes through', async () => {
    const { move, router, store, weightsOf } = setUp()
    await move('start')
    for (const position of ['api@25', 'api@100', 'web@25']) {
      await move(position, 1, 1)
      expect(router.weights).toEqual(weightsOf(position))
      expect(store.journal?.verified.position).toBe(position)
    }
    await move('start', 1, 1)
    expect(router.weights).toEqual(weightsOf('start'))
  })

  it('refuses a rise that nobody admitted, and one without a guard', async () => {
    const { operations, move, request, setAlive, router } = setUp()
    await move('start')
    await expect(operations.setWeights('api', split(25))).rejects.toThrow(/no update was admitted/)
    await operations.admit(request('api@25'), 1)
    await expect(operations.setWeights('api', split(50))).rejects.toThrow(/no update was admitted/)
    setAlive(false)
    await expect(operations.setWeights('api', split(25))).rejects.toThrow(/no guard, no rise/)
    expect(router.weights['api']?.green).toBe(0)
  })

  it('never lowers green onto a blue that is ill', async () => {
    const { operations, move, router, announced, store } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    router.ill.add('api blue')
    await expect(operations.setWeights('api', split(0))).rejects.toThrow(/absent or ill/)
    await operations.trip(CAUSE)
    expect(store.latch?.latched).toBe(true)
    expect(router.weights['api']?.green).toBe(25)
    expect(announced.at(-1)?.message).toMatch(/^LATCHED, BUT GREEN KEEPS TRAFFIC/)
    router.ill.clear()
    expect((await operations.assert())['api']?.green).toBe(0)
  })
})

describe('an admission where the engine writes the weights, and asks nobody again', () => {
  it('gives no traffic to a colour that is absent or ill, and leaves no intent behind', async () => {
    const { operations, move, request, router, store } = setUp()
    router.native = true
    await move('start')
    router.ill.add('api green')
    const rise = operations.admit(request('api@25'), 1)
    await expect(rise).rejects.toThrow(/green of api is absent or ill, and would get the traffic/)
    expect(store.journal?.intent).toBeUndefined()
    router.ill.clear()
    await move('api@25', 1, 1)
    router.ill.add('api blue')
    const fall = operations.admit(request('start'), 1)
    await expect(fall).rejects.toThrow(/blue of api is absent or ill, and would get the traffic/)
    expect(store.journal?.intent).toBeUndefined()
  })

  it('asks after the colours of what moves alone', async () => {
    const { operations, move, request, router } = setUp()
    router.native = true
    await move('start')
    for (const ill of ['api blue', 'web blue', 'web green']) router.ill.add(ill)
    expect((await operations.admit(request('api@25'), 1)).permitted['api']?.green).toBe(25)
  })
})

describe('a trip', () => {
  it('latches before it writes, reads back, and tells once', async () => {
    const { operations, move, router, announced, store } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    router.written.length = 0
    const trips = await Promise.all(Array.from({ length: 50 }, () => operations.trip(CAUSE)))
    expect(trips.filter(({ latched }) => latched)).toHaveLength(1)
    expect(trips.every(({ weights }) => weights['api']?.green === 0)).toBe(true)
    expect(router.written).toEqual([{ weights: { api: split(0) }, latched: true }])
    expect(announced.filter(({ kind }) => kind === 'tripped')).toHaveLength(1)
    expect(store.latch).toMatchObject({ trips: 1, trip: { position: 'api@25', landing: 'start' } })
    expect(store.journal?.verified.position).toBe('start')
  })

  it('takes traffic from green although the journal cannot be read', async () => {
    const { operations, move, router, store } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    store.failing.set('readJournal', new Error('corrupt'))
    await operations.trip(CAUSE).catch(() => {})
    expect(router.weights['api']?.green).toBe(0)
    expect(store.latch?.latched).toBe(true)
  })

  it('takes traffic from green although the latch cannot be written, and says so', async () => {
    const { operations, move, router, store, announced } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    store.failing.set('writeLatch', new Error('no space left'))
    await expect(operations.trip(CAUSE)).rejects.toThrow('no space left')
    expect(router.weights['api']?.green).toBe(0)
    expect(announced.at(-1)?.message).toMatch(/THE LATCH COULD NOT BE WRITTEN/)
  })

  it('tells of no other hand while the rollback itself is at work', async () => {
    const { operations, router, announced, move } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    let over = false
    const trip = operations.trip(CAUSE).finally(() => {
      over = true
    })
    while (!over) await Promise.all(Array.from({ length: 5 }, () => operations.assert()))
    await trip
    expect(router.weights['api']?.green).toBe(0)
    expect(announced.map(({ kind }) => kind)).not.toContain('asserted')
  })

  it('latches although the router is away, and asserts when it is back', async () => {
    const { operations, move, router, store, announced } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    router.failure = new Error('refused')
    await expect(operations.trip(CAUSE)).rejects.toThrow('refused')
    expect(store.latch?.latched).toBe(true)
    expect(announced.at(-1)?.message).toMatch(/THE ROUTER COULD NOT BE READ BACK/)
    router.failure = undefined
    expect((await operations.assert())['api']?.green).toBe(0)
    expect(announced.at(-1)?.kind).toBe('asserted')
  })

  it('takes every other service down where one cannot be written, and names that one', async () => {
    const { operations, move, router, announced } = setUp()
    await move('start')
    for (const position of ['api@25', 'api@100', 'web@25']) await move(position, 1, 1)
    router.denied = 'web'
    await expect(operations.trip(CAUSE)).rejects.toThrow('web is denied')
    expect([router.weights['api'], router.weights['web']]).toEqual([split(0), split(25)])
    expect(announced.at(-1)?.message).toMatch(/^LATCHED, BUT GREEN OF web KEEPS TRAFFIC \(web is/)
    router.denied = undefined
    expect((await operations.assert())['web']).toEqual(split(0))
  })

  it('asks again for no service that is down, and says what it knows of it', async () => {
    const { operations, move, router, announced } = setUp()
    for (const position of ['start', 'api@25', 'api@100', 'web@25'])
      await move(position, 1, position === 'start' ? undefined : 1)
    const write = router.write.bind(router)
    let writes = 0
    router.write = async (weights) => {
      writes++
      await write(weights)
      throw new Error('nobody has seen it')
    }
    await expect(operations.trip(CAUSE)).rejects.toThrow('nobody has seen it')
    expect(writes).toBe(1)
    expect(announced.at(-1)?.message).toMatch(/THE ROUTER SAYS THAT GREEN IS DOWN, AND USERS/)
  })

  it('does not wait for an update that hangs at the router', async () => {
    let hang: Promise<void> | undefined
    const { operations, move, store, router, request } = setUp(async () => {})
    await move('start')
    await move('api@25', 1, 1)
    const healthy = router.healthy.bind(router)
    let release = () => {}
    router.healthy = async (service, colour) => {
      if (colour === 'green') {
        hang = new Promise((resolve) => {
          release = resolve
        })
        await hang
      }
      return healthy(service, colour)
    }
    await operations.admit(request('api@100'), 1)
    const rise = operations.setWeights('api', split(100)).catch((error) => error)
    while (!hang) await new Promise((resolve) => setImmediate(resolve))
    expect((await operations.trip(CAUSE)).latched).toBe(true)
    expect(router.weights['api']?.green).toBe(0)
    release()
    expect(await rise).toBeInstanceOf(Refused)
    expect(router.weights['api']?.green).toBe(0)
    expect(store.latch?.latched).toBe(true)
  })

  it('only tells once the rollout is released', async () => {
    const { operations, move, router, store } = setUp()
    await move('start')
    for (const p of ['api@25', 'api@100', 'web@25', 'web@100', 'promoted', 'released']) {
      await move(p, 1, 1)
    }
    await operations.trip(CAUSE)
    expect(store.latch?.latched).toBe(false)
    expect(router.weights['api']?.green).toBe(100)
    expect(store.events.at(-1)?.message).toMatch(/released, so only told/)
  })

  it('counts a latch that is gone as latched', async () => {
    const { operations, move, router, store } = setUp()
    await move('start')
    await move('api@25', 1, 1)
    store.latch = undefined
    await expect(operations.setWeights('api', split(100))).rejects.toThrow(/there is no latch/)
    await operations.trip(CAUSE)
    expect(store.latch).toMatchObject({ latched: true, trips: 1, attempt: 1 })
    expect(router.weights['api']?.green).toBe(0)
  })
})

describe('the first deployment', () => {
  it('goes on where it was cut off between journal and latch', async () => {
    const { operations, store, request, move } = setUp()
    await operations.admit(request('start'))
    store.latch = undefined
    await move('start')
    expect(store.latch).toMatchObject({ latched: false, trips: 0, attempt: 1 })
  })

  it('rebuilds a latch that is lost later as latched', async () => {
    const { operations, store, request, move } = setUp()
    await move('start')
    store.latch = undefined
    await operations.admit(request('start'), 1)
    expect(store.latch).toMatchObject({ latched: true, trips: 1 })
  })
})

describe('updates and rollbacks at the same time', () => {
  it('never leave green up behind a latch, and never write a rise behind it', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(fc.constantFrom('admit', 'set', 'verify', 'trip', 'back', 'progress', 'adopt'), {
          minLength: 2,
          maxLength: 10,
        }),
        async (scheduler, names) => {
          let scheduled = false
          const world = setUp(() =>
            scheduled ? scheduler.schedule(Promise.resolve()) : Promise.resolve(),
          )
          const { operations, request, move, router, store } = world
          await move('start')
          await move('api@25', 1, 1)
          router.written.length = 0
          scheduled = true
          const acts: Record<string, () => Promise<unknown>> = {
            admit: () => operations.admit(request('api@100'), 1),
            set: () => operations.setWeights('api', split(100)),
            verify: () => operations.verify(request('api@100')),
            trip: () => operations.trip(CAUSE),
            back: () => operations.setWeights('api', split(25)),
            progress: () => operations.progress((journal) => ({ ...journal, guardedMs: 10_000 })),
            adopt: () => operations.adopt(plan, planHash),
          }
          const running = names.map((name) =>
            acts[name]!().catch((error: unknown) => {
              if (!(error instanceof Refused)) throw error
            }),
          )
          const all = Promise.all(running)
          await scheduler.waitFor(all)
          scheduled = false
          const latched = store.latch?.latched ?? false
          expect(latched).toBe(names.includes('trip'))
          expect(store.latch?.trips).toBe(latched ? 1 : 0)
          if (latched) {
            expect(router.weights['api']?.green).toBe(0)
            expect(store.journal?.weights['api']?.green).toBe(0)
          }
          // A rise that was in its turn already may stand before the trip's write, never after it.
          const greens = router.written.map(({ weights }) => weights['api']?.green)
          const trip = router.written.findIndex(
            (write) => write.latched && write.weights['api']?.green === 0,
          )
          if (trip >= 0) expect(new Set(greens.slice(trip))).toEqual(new Set([0]))
        },
      ),
      { numRuns: 200 },
    )
  })
})
