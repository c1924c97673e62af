import { describe, expect, it } from 'vitest'
import { Operations, type TripCause } from '../../platforms/operations.ts'
import { rollBackFor } from '../../platforms/person.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { dueOperations } from '../../rollout/due-operations.ts'
import type { Held } from '../../rollout/limits.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { MemoryRouter, MemoryStore } from './memory.ts'

/** A rollback from its trigger to its end, on a clock of the test. */

const service = (port: number, more: object = {}) => ({
  blue: { url: `http://127.0.0.1:${port}` },
  green: { url: `http://127.0.0.1:${port + 1}` },
  ...more,
})
const compensated = { strategy: 'compensation', state: { compensate: ['./undo'] } }
const input = {
  name: 'shop',
  services: {
    api: service(9001, { routes: ['/api'] }),
    jobs: service(9003, { routes: ['/jobs'], ...compensated }),
  },
  phases: [
    { name: 'one', services: ['api'] },
    { name: 'two', services: ['jobs'] },
  ],
  steps: [50, 100],
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  notify: { everyone: { webhook: 'env:PAGER_URL' } },
  limits: { code: '1m', service: '30s', traffic: '2m', plan: '5m' },
} satisfies PlanInput
const BEGAN = Date.parse('2026-05-01T12:00:00Z')

/** Stands at `jobs@100` for ten minutes. */
function standing() {
  const { plan, planHash } = parsePlan(input)
  const stands = findPosition(positionsOf(plan), 'jobs@100')!
  const store = new MemoryStore()
  store.latch = { trips: 0, attempt: 1, latched: false, ceiling: {} }
  store.journal = {
    ...{ plan, planHash, attempt: 1, guardedMs: 1, weights: stands.weights },
    verified: { position: 'jobs@100', at: new Date(BEGAN).toISOString() },
    ...{ green: {}, baselines: {}, verdicts: [], backups: [] },
  }
  const router = new MemoryRouter(stands.weights, () => store.latch?.latched ?? false)
  let now = BEGAN + 600_000
  const events: RolloutEvent[] = []
  const operations = new Operations({
    ...{ store, router },
    now: () => new Date(now),
    alarms: () => [],
    guard: () => ({ alive: true, planHash }),
    announce: (event) => events.push(event),
  })
  const ago = (seconds: number) => new Date(now - seconds * 1_000).toISOString()
  return {
    ...{ store, router, operations, events, plan, ago },
    pass: (seconds: number) => {
      now += seconds * 1_000
    },
    trip: (one: string | undefined, more: Partial<TripCause> = {}) =>
      operations.trip({
        ...{ cause: 'errors', value: '12%', threshold: '5%', reason: 'errors' },
        ...(one === undefined ? { scope: 'plan' } : { service: one }),
        ...more,
      }),
    /** Records what came of everything that is due, as the hook does. */
    ran: async (result: 'done' | 'failed' | 'running') => {
      const { journal, latch } = store
      const state = { plan, planHash, clock: 1, journal: journal!, latch }
      for (const { planned, position, attempt } of dueOperations(state, ago(0))) {
        const of = { operation: planned.name, position, attempt }
        await operations.recordOperation({ ...of, result, reason: 'r', at: ago(0) })
      }
    },
    /** What was told of the limits by events of a kind: the limit, after how many seconds, kept. */
    told: (kind: RolloutEvent['kind']) =>
      events
        .filter((event) => event.kind === kind)
        .map(({ details }) =>
          ((details?.['limits'] ?? []) as Held[]).map(
            ({ limit, tookMs, kept }) => `${limit} ${tookMs / 1_000} ${kept}`,
          ),
        ),
  }
}

describe('the promised time of a rollback', () => {
  it('without operations is held at once, from the first bad answer on', async () => {
    const { trip, told, ago, store, operations, events } = standing()
    // What comes after it comes back with it, so the trip is of the service that moved last.
    store.journal!.plan.services['jobs']!.strategy = 'direct'
    await trip('jobs', { firstBadAt: ago(12) })
    expect(told('tripped')).toEqual([['code 12 true', 'service 12 true']])
    expect(events.at(-1)?.message).toMatch(
      /^ROLLED BACK in \d+ms, 12s after its trigger \(limit code 1m: kept, limit service 30s: kept\): /,
    )
    await operations.measure()
    expect(told('limit')).toEqual([])
  })

  it('waits for the compensation, and is told as not kept while that goes on too long', async () => {
    const { trip, told, pass, ran, operations, events } = standing()
    await trip('jobs')
    // The traffic is back, and with it what is promised for the code; the service is not.
    expect(told('tripped')).toEqual([['code 0 true']])
    expect(events.at(-1)?.message).toContain('state under way: jobs.compensate')
    await ran('running')
    pass(30)
    await operations.measure()
    expect(told('limit')).toEqual([])
    pass(1)
    await operations.measure()
    await operations.measure()
    expect(told('limit')).toEqual([['service 31 false']])
    expect(events.at(-1)).toMatchObject({
      severity: 'critical',
      message: expect.stringMatching(
        /not done after 31s \(limit service 30s: NOT KEPT\): jobs\.compensate running/,
      ),
    })
    pass(9)
    await ran('done')
    pass(5)
    await operations.measure()
    await operations.measure()
    // Not when it was looked at: when it was done.
    expect(told('limit')).toEqual([['service 31 false'], ['service 40 false']])
  })

  it('is kept where the compensation is done within it, and people need not hear of that', async () => {
    const { trip, told, pass, ran, operations, events } = standing()
    await trip('jobs')
    pass(16)
    await ran('done')
    pass(60)
    await operations.measure()
    expect(told('limit')).toEqual([['service 16 true']])
    expect(events.at(-1)).toMatchObject({ severity: 'info' })
  })

  it('of a rollback that does not come down is not kept, and is told without an end', async () => {
    const { trip, told, pass, router, operations, events, store } = standing()
    router.ill.add('jobs blue')
    await trip('jobs')
    expect(told('tripped')).toEqual([[]])
    pass(31)
    await operations.measure()
    pass(30)
    await operations.measure()
    await operations.measure()
    expect(told('limit')).toEqual([['service 31 false'], ['code 61 false']])
    // A latch that cannot be read is none that was acknowledged.
    store.failing.set('readLatch', new Error('gone'))
    await operations.measure()
    expect(store.journal?.rollbacks?.[0]?.downAt).toBeUndefined()
    expect(events.at(-1)?.message).toContain('green is not back at api@100')
  })

  it('of everything is one time for the traffic and another for the whole', async () => {
    const { trip, told, pass, ran, operations } = standing()
    await trip(undefined)
    expect(told('tripped')).toEqual([['traffic 0 true', 'code 0 true']])
    pass(90)
    await ran('done')
    await operations.measure()
    expect(told('limit')).toEqual([['plan 90 true']])
  })

  it('goes on after the attempt that acknowledges it, and after a restart', async () => {
    const { trip, told, pass, operations, store } = standing()
    await trip('jobs')
    store.latch = { trips: 1, attempt: 2, latched: false, ceiling: {} }
    pass(31)
    await operations.measure()
    expect(told('limit')).toEqual([['service 31 false']])
  })

  it('of one whose process died between latch and journal is measured by the next', async () => {
    const { trip, told, pass, store, operations } = standing()
    const before = structuredClone(store.journal)
    await trip('jobs')
    store.journal = before
    pass(31)
    await operations.measure()
    expect(told('limit')).toEqual([['code 31 true'], ['service 31 false']])
  })

  it('begins anew where a rollback goes further down, and step by step there is none', async () => {
    const { trip, told, pass, ran, operations } = standing()
    await trip('jobs', { pace: { through: [75, 50, 25, 0], everyMs: 300_000 } })
    pass(200)
    await operations.measure()
    expect([...told('tripped'), ...told('limit')]).toEqual([[]])
    await trip(undefined)
    expect(told('tripped')).toEqual([[], ['traffic 0 true', 'code 0 true']])
    pass(20)
    await ran('done')
    await operations.measure()
    expect(told('limit')).toEqual([['plan 20 true']])
  })

  it('begins no earlier than the weights were set that it takes back', async () => {
    const { trip, told, store, ago } = standing()
    store.journal!.plan.services['jobs']!.strategy = 'direct'
    store.journal!.verified.at = ago(7)
    await trip('jobs', { firstBadAt: ago(500) })
    expect(told('tripped')).toEqual([['code 7 true', 'service 7 true']])
  })

  it('of checks in a row begins with the last of them, which is what the plan asks for', async () => {
    const { trip, told, store, ago } = standing()
    store.journal!.plan.services['jobs']!.strategy = 'direct'
    await trip('jobs', { firstBadAt: ago(60), triggeredAt: ago(1) })
    expect(told('tripped')).toEqual([['code 1 true', 'service 1 true']])
  })

  it('of a command begins when it was given: what it waited for before it acted counts too', async () => {
    const { operations, plan } = standing()
    const askedAt = new Date(Date.now() - 20_000).toISOString()
    const command = { by: 'ann', reason: 'x', service: 'jobs', askedAt }
    const { limits, waitsFor } = await rollBackFor(operations, plan, command, 'hook')
    expect(limits).toMatchObject([{ limit: 'code', kept: true }])
    expect(limits?.[0]?.tookMs).toBeGreaterThanOrEqual(20_000)
    expect(waitsFor).toEqual(['jobs.compensate'])
  })
})
