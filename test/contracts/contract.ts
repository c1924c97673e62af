import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Platform, Refused, Unavailable } from '../../platforms/platform.ts'
import type { Admission } from '../../rollout/admission.ts'
import type { Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Refusal } from '../../rollout/refusal.ts'
import type { Request } from '../../rollout/request.ts'
import { type ServiceWeights, split } from '../../rollout/weights.ts'

/** A part of the platform that can be taken away and given back. */
export interface Fault {
  take(): Promise<void>
  /** Returns once the part answers again. */
  giveBack(): Promise<void>
}

/**
 * A platform for the suite: deployed, nothing admitted yet. Its plan is {@link contractPlan} with
 * what the platform needs added.
 */
export interface Bed {
  platform: Platform
  plan: Plan
  planHash: string
  /** How many times faster than real the waits pass; such that a bake of 30 s takes a second or so. */
  clock: number
  /** Sends that many requests as different users; tells who answered. */
  traffic(count: number): Promise<Record<ColourName | 'failed', number>>
  /** Green answers 500 to users, and is healthy to all appearance. */
  breakGreen(): Promise<void>
  mendGreen(): Promise<void>
  /** Another hand moves the live weights, past the platform. */
  meddle(weights: ServiceWeights): Promise<void>
  /** Another hand deletes what the platform keeps. */
  lose(what: 'latch' | 'journal'): Promise<void>
  /** What can be taken away; where the platform has no such part, a text says why. */
  faults: Record<'guard' | 'router' | 'database', Fault | string>
  /** Returns once all that was sent before is in what is measured; where it is missing, that is at once. */
  counted?(): Promise<void>
  /** True where answers are measured by somebody else than the guard: they are known without it. */
  measuresUnguarded?: boolean
  teardown(): Promise<void>
}

export const SERVICE = 'shop'
export const BACKUP = 'orders'

/** What every platform's plan has in common. */
export const contractPlan = {
  name: 'contract',
  steps: [10, 50, 100],
  start: { bake: '30s' },
  bake: '30s',
  minimumRequests: 20,
  guardrails: { errors: { metric: 'error-rate', above: '20%', then: 'rollback' } },
  backups: { [BACKUP]: { postgres: 'env:ORDERS_URL', before: 'first-step', maximumAge: '1h' } },
} as const

/** What passes by itself with time and traffic. */
const PASSING: Refusal['code'][] = ['bake', 'evidence', 'baseline', 'alarm', 'unavailable', 'guard']
const LIMIT_MS = 60_000

/** The suite that every platform passes unchanged. */
export function describePlatform(name: string, open: () => Promise<Bed>): void {
  describe(`${name}: a rollout`, () => {
    const world = useBed(open)

    it('refuses a rise before the first deployment', async () => {
      const refusal = await refusalOf(world().admit('shop@10', 1, 'first'))
      expect(codesOf(refusal)).toEqual(['first-deployment'])
      expect(await world().latch()).toBe('missing')
    })

    it('writes a clear latch and a journal with the first admission, green at 0', async () => {
      await world().go('start', 1, 'first')
      expect(await world().latch()).toMatchObject({ latched: false, trips: 0, attempt: 1 })
      expect((await world().journal()).verified.position).toBe('start')
      expect(await world().green()).toBe(0)
      expect(await world().bed.traffic(50)).toEqual({ blue: 50, green: 0, failed: 0 })
    })

    it('refuses to pass over a position', async () => {
      expect(codesOf(await refusalOf(world().admit('shop@50')))).toContain('two-ahead')
    })

    it('refuses an attempt that is raised in advance', async () => {
      expect(codesOf(await refusalOf(world().admit('shop@10', 2)))).toContain('attempt')
    })

    it('waits for a backup, which is verified and journaled before it counts', async () => {
      expect(codesOf(await refusalOf(world().admit('shop@10')))).toContain('backup')
      const { platform, plan } = world().bed
      const record = await platform.backup(BACKUP, plan, () => {})
      expect(record.verifiedAt).toBeDefined()
      expect((await platform.backups()).map(({ id }) => id)).toEqual([record.id])
      expect((await world().journal()).backups.map(({ id }) => id)).toEqual([record.id])
    })

    it('refuses a backup that the plan does not have', async () => {
      const { platform, plan } = world().bed
      const error = await refusalOf(platform.backup('other', plan, () => {}))
      expect(error.message).toMatch(/other.*not in the plan.*orders/)
    })

    it('refuses to set a weight that no admission covers, and changes nothing', async () => {
      await refusalOf(world().bed.platform.setWeights(SERVICE, split(50)))
      expect(await world().green()).toBe(0)
    })

    it('refuses to verify what is not live', async () => {
      await refusalOf(world().bed.platform.verify(world().request('shop@10')))
      expect((await world().journal()).verified.position).toBe('start')
    })

    it('moves one position at a time, reads it back and begins its bake anew', async () => {
      const admission = await world().go('shop@10')
      expect(admission).toMatchObject({
        standsAt: 'start',
        direction: 'rise',
        change: 'shop: blue 100 → 90, green 0 → 10',
      })
      expect(await world().green()).toBe(10)
      const journal = await world().journal()
      expect(journal).toMatchObject({ verified: { position: 'shop@10' } })
      expect(journal.intent).toBeUndefined()
    })

    it('sends green its share, and loses no request', async () => {
      const { green, failed } = await world().bed.traffic(2_000)
      expect(failed).toBe(0)
      // 200 of 2,000, within five standard deviations.
      expect(green).toBeGreaterThan(200 - 67)
      expect(green).toBeLessThan(200 + 67)
    })

    it('measures the answers of each colour', async () => {
      const { platform } = world().bed
      const before = await world().settledAnswers()
      const { blue, green } = await world().bed.traffic(200)
      await expect
        .poll(() => world().answers(), { timeout: LIMIT_MS })
        .toEqual({ blue: before.blue + blue, green: before.green + green })
      const measured = await platform.measure(SERVICE, 'green', 60_000)
      expect(measured.errors).toBe(0)
      expect(measured.p95).toBeGreaterThan(0)
    })

    it('keeps a bake that is verified again unchanged', async () => {
      const { at } = (await world().journal()).verified
      await world().go('shop@10')
      expect((await world().journal()).verified.at).toBe(at)
    })

    it('always goes back, at once', async () => {
      await world().go('shop@50')
      const admission = await world().admit('shop@10')
      expect(admission).toMatchObject({ direction: 'fall', refusals: [] })
      await world().carryOut(admission, world().request('shop@10'))
      expect(await world().green()).toBe(10)
    })

    it("rolls back on a person's command, once, and latches", async () => {
      const { platform } = world().bed
      const report = await platform.rollback({ by: 'a tester', reason: 'to see it' })
      expect(report).toMatchObject({ latched: true, weights: { [SERVICE]: split(0) } })
      expect(report.tookMs).toBeGreaterThan(0)
      const latch = await world().latch()
      expect(latch).toMatchObject({ latched: true, trips: 1, trip: { position: 'shop@10' } })
      expect(latch).toMatchObject({ trip: { landing: 'start', cause: 'rollback' } })
      await platform.rollback({ by: 'a tester', reason: 'again' })
      expect(await world().latch()).toEqual(latch)
      expect(await world().bed.traffic(50)).toEqual({ blue: 50, green: 0, failed: 0 })
    })

    it('denies every rise while latched, and asserts blue against another hand', async () => {
      await refusalOf(world().bed.platform.setWeights(SERVICE, split(10)))
      const same = await world().admit('shop@10')
      expect(same).toMatchObject({ permitted: { [SERVICE]: split(0) }, refusals: [] })
      expect(same.warnings.join()).toContain('sluice:attempt 2')
      expect(codesOf(await refusalOf(world().admit('shop@50')))).toEqual(['latched'])
      await world().bed.meddle({ [SERVICE]: split(50) })
      await expect.poll(() => world().green(), { timeout: LIMIT_MS }).toBe(0)
    })

    it('is acknowledged by the number of trips plus one, no less and no more', async () => {
      for (const attempt of [1, 3]) {
        const admission = await world().admit('start', attempt)
        expect(admission.acknowledges).toBe(false)
        expect(await world().latch()).toMatchObject({ latched: true })
      }
      await world().go('start', 2)
      expect(await world().latch()).toMatchObject({ latched: false, trips: 1, attempt: 2 })
      expect((await world().journal()).attempt).toBe(2)
    })

    it('rolls back by itself when green breaks, and a green that is well again changes nothing', async () => {
      await world().go('shop@10', 2)
      await world().bed.breakGreen()
      await world().untilLatched()
      // The latch is written first, and then the weights.
      await expect.poll(() => world().green(), { timeout: LIMIT_MS }).toBe(0)
      await world().bed.mendGreen()
      const latch = await world().latch()
      expect(latch).toMatchObject({ trips: 2, trip: { position: 'shop@10', landing: 'start' } })
      await world().bed.traffic(50)
      expect(await world().latch()).toEqual(latch)
    })

    it('goes to the end in its third attempt', async () => {
      for (const position of ['start', 'shop@10', 'shop@50', 'shop@100', 'promoted']) {
        await world().go(position, 3)
      }
      expect(await world().bed.traffic(50)).toEqual({ blue: 0, green: 50, failed: 0 })
      expect((await world().journal()).verified.position).toBe('promoted')
    })
  })

  describe(`${name}: what another hand did`, () => {
    const world = useBed(open)

    beforeAll(async () => {
      await world().toFirstStep()
    })

    it('is drift, which stops a rise and not the way back', async () => {
      await world().bed.meddle({ [SERVICE]: split(30) })
      expect(codesOf(await refusalOf(world().admit('shop@50')))).toContain('drift')
      await world().go('start')
      expect(await world().green()).toBe(0)
    })

    it('is adopted only as far as the journal went', async () => {
      await world().go('shop@10')
      await world().bed.meddle({ [SERVICE]: split(30) })
      expect(await world().bed.platform.adopt()).toEqual({ [SERVICE]: split(10) })
      expect(await world().green()).toBe(10)
      expect((await world().journal()).verified.position).toBe('shop@10')
    })

    it('is a rise refused without a journal, until what is live is adopted', async () => {
      await world().bed.lose('journal')
      expect(codesOf(await refusalOf(world().admit('shop@50')))).toContain('journal-missing')
      expect(await world().green()).toBe(10)
      await world().bed.platform.adopt()
      expect(await world().green()).toBe(0)
      expect((await world().journal()).verified.position).toBe('start')
    })

    it('counts as latched where the latch is gone, and takes green to 0', async () => {
      await world().bed.platform.backup(BACKUP, world().bed.plan, () => {})
      await world().go('shop@10')
      await world().bed.lose('latch')
      await refusalOf(world().bed.platform.setWeights(SERVICE, split(50)))
      await expect.poll(() => world().green(), { timeout: LIMIT_MS }).toBe(0)
      expect((await world().admit('shop@10')).permitted).toEqual({ [SERVICE]: split(0) })
      expect(await world().latch()).toMatchObject({ latched: true })
    })
  })

  describe(`${name}: a part that is away`, () => {
    const world = useBed(open)
    const without = async (part: keyof Bed['faults'], look: () => Promise<void>) => {
      const fault = world().bed.faults[part]
      if (typeof fault === 'string') throw new Error(`${part} cannot be taken away: ${fault}`)
      await fault.take()
      try {
        await look()
      } finally {
        await fault.giveBack()
      }
    }
    const unavailable = async (promise: Promise<unknown>) => {
      const error = await errorOf(promise)
      expect(error).toBeInstanceOf(Unavailable)
      expect((error as Error).message).toMatch(/next: /)
    }

    beforeAll(async () => {
      await world().toFirstStep()
    })

    it('database: a backup is not recorded, and everything else goes on', async () => {
      const before = await world().bed.platform.backups()
      await without('database', async () => {
        await unavailable(world().bed.platform.backup(BACKUP, world().bed.plan, () => {}))
        expect(await world().bed.platform.backups()).toEqual(before)
        expect(await world().green()).toBe(10)
        expect((await world().bed.traffic(50)).failed).toBe(0)
      })
    })

    it('guard: nothing rises, everything else can be read, and the way back is open', async () => {
      await without('guard', async () => {
        const { platform } = world().bed
        const observation = await platform.observe()
        expect(observation.guard).toMatchObject({ alive: false, reason: expect.any(String) })
        expect(observation).toMatchObject({
          live: { [SERVICE]: split(10) },
          latch: { latched: false },
          journal: { verified: { position: 'shop@10' } },
        })
        await unavailable(world().admit('shop@50'))
        await unavailable(platform.setWeights(SERVICE, split(50)))
        const measured = platform.measure(SERVICE, 'blue', 600_000)
        if (world().bed.measuresUnguarded) expect((await measured).requests).toBeGreaterThan(0)
        else await unavailable(measured)
        expect(await world().green()).toBe(10)
        expect((await world().journal()).intent).toBeUndefined()
        await world().carryOut(await world().admit('start'), world().request('start'))
        expect(await world().green()).toBe(0)
        expect((await world().journal()).verified.position).toBe('start')
      })
    })

    it('guard: a person still rolls back, and green does not come back with the guard', async () => {
      await world().go('shop@10')
      await without('guard', async () => {
        const report = await world().bed.platform.rollback({ by: 'a tester', reason: 'no guard' })
        expect(report).toMatchObject({ latched: true, via: 'direct' })
        expect(report.weights).toEqual({ [SERVICE]: split(0) })
      })
      expect(await world().latch()).toMatchObject({ latched: true, trips: 1 })
      expect(await world().green()).toBe(0)
    })

    it('router: nothing is known of live, and a rollback holds although nobody hears it', async (test) => {
      const { router } = world().bed.faults
      if (typeof router === 'string') return test.skip(router)
      await world().go('start', 2)
      await world().go('shop@10', 2)
      await without('router', async () => {
        const { platform } = world().bed
        await unavailable(platform.readWeights())
        expect(isUnavailable((await platform.observe()).live)).toBe(true)
        const error = await errorOf(world().admit('shop@50', 2))
        expect(error instanceof Refused || error instanceof Unavailable).toBe(true)
        await unavailable(platform.setWeights(SERVICE, split(50)))
        expect((await world().journal()).intent).toBeUndefined()
        await unavailable(platform.rollback({ by: 'a tester', reason: 'no router' }))
        expect(await world().latch()).toMatchObject({ latched: true, trips: 2 })
      })
      await expect.poll(() => world().green(), { timeout: LIMIT_MS }).toBe(0)
    })
  })
}

/** A bed and what the tests do with it. */
class World {
  readonly bed: Bed
  constructor(bed: Bed) {
    this.bed = bed
  }

  request(position: string, attempt = 1): Request {
    const { plan, planHash, clock } = this.bed
    return { plan, planHash, position, attempt, confirmed: [], clock }
  }

  /** Asks once. `last` is the attempt in the engine's state, `first` where there is none. */
  admit(position: string, attempt = 1, last: 'first' | 'later' = 'later'): Promise<Admission> {
    const lastAttempt = last === 'first' ? undefined : Math.max(1, attempt - 1)
    return this.bed.platform.admit(this.request(position, attempt), lastAttempt)
  }

  /** Waits, under traffic, until the position is admitted, and carries it out. */
  async go(position: string, attempt = 1, last: 'first' | 'later' = 'later'): Promise<Admission> {
    const deadline = performance.now() + LIMIT_MS
    for (;;) {
      try {
        const admission = await this.admit(position, attempt, last)
        await this.carryOut(admission, this.request(position, attempt))
        return admission
      } catch (error) {
        const waits =
          error instanceof Unavailable ||
          (error instanceof Refused &&
            error.refusals.length > 0 &&
            error.refusals.every(({ code }) => PASSING.includes(code)))
        if (!waits || performance.now() > deadline) throw error
      }
      await this.bed.traffic(100)
      await pause(100)
    }
  }

  async carryOut(admission: Admission, request: Request): Promise<void> {
    for (const [service, weights] of Object.entries(admission.permitted)) {
      await this.bed.platform.setWeights(service, weights)
    }
    await this.bed.platform.verify(request)
  }

  async toFirstStep(): Promise<void> {
    await this.go('start', 1, 'first')
    await this.bed.platform.backup(BACKUP, this.bed.plan, () => {})
    await this.go('shop@10')
  }

  async untilLatched(): Promise<void> {
    const deadline = performance.now() + LIMIT_MS
    while (performance.now() < deadline) {
      // Users go on while it is asked.
      const [latch] = await Promise.all([this.latch(), this.bed.traffic(100)])
      if (latch !== 'missing' && latch.latched) return
    }
    throw new Error('the latch stays off')
  }

  async green(): Promise<number | undefined> {
    return (await this.bed.platform.readWeights())[SERVICE]?.green
  }

  async latch(): Promise<Latch | 'missing'> {
    const { latch } = await this.bed.platform.observe()
    if (isUnavailable(latch)) throw new Error(latch.unavailable)
    return latch
  }

  async journal(): Promise<Journal> {
    const { journal } = await this.bed.platform.observe()
    if (journal === 'missing' || isUnavailable(journal)) throw new Error('no journal')
    return journal
  }

  /** What was measured, once all that was sent before has been counted. */
  async settledAnswers(): Promise<Record<ColourName, number>> {
    await this.bed.counted?.()
    for (let before = await this.answers(); ; ) {
      await pause(1_000)
      const now = await this.answers()
      if (now.blue === before.blue && now.green === before.green) return now
      before = now
    }
  }

  async answers(): Promise<Record<ColourName, number>> {
    const [blue, green] = await Promise.all(
      (['blue', 'green'] as const).map((colour) =>
        this.bed.platform.measure(SERVICE, colour, 600_000),
      ),
    )
    return { blue: blue?.requests ?? 0, green: green?.requests ?? 0 }
  }
}

function useBed(open: () => Promise<Bed>): () => World {
  let world: World | undefined
  beforeAll(async () => {
    world = new World(await open())
    expect(findPosition(positionsOf(world.bed.plan), 'shop@10')).toBeDefined()
  })
  afterAll(() => world?.bed.teardown())
  return () => {
    if (!world) throw new Error('the bed did not come up')
    return world
  }
}

async function errorOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`was not refused: ${JSON.stringify(value)}`)
    },
    (error) => error,
  )
}

async function refusalOf(promise: Promise<unknown>): Promise<Refused> {
  const error = await errorOf(promise)
  if (!(error instanceof Refused)) throw error
  return error
}

function codesOf(refused: Refused): Refusal['code'][] {
  return refused.refusals.map(({ code }) => code)
}
