import { describe, expect, it } from 'vitest'
import { statusLines } from '../../cli/status-view.ts'
import { clearLatch, type Latch, latchAt } from '../../rollout/latch.ts'
import { planSchema } from '../../rollout/plan.ts'
import { split } from '../../rollout/weights.ts'
import { AT, standingAtTen } from './sluice.ts'

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'shop',
  environments: ['staging', 'production'],
  services: {
    cart: { blue: { url }, green: { url }, dependsOn: ['pay'], routes: ['/cart'] },
    pay: { blue: { url }, green: { url }, dependsOn: ['cart'], routes: ['/pay'] },
  },
  phases: [
    { name: 'first', services: ['cart'] },
    { name: 'second', services: ['pay'] },
  ],
  steps: [10, 100],
  limits: { service: '30s' },
  flags: { 'new-cart': { follows: ['cart'] }, fast: {} },
  report: { targets: { errors: { metric: 'error-rate', below: '1%', title: 'Errors' } } },
})

async function lines(latch: Latch = clearLatch()): Promise<string> {
  const { journal, observation, request } = await standingAtTen(latch)
  const live = { cart: split(100), pay: split(10) }
  const now = {
    ...journal,
    plan,
    verified: { position: 'pay@10', at: AT },
    weights: live,
    green: { cart: { requests: 100, errors: 4 }, pay: { requests: 100, errors: 0 } },
    flags: { fast: true },
    operations: [
      {
        operation: 'indices',
        position: 'start',
        attempt: 1,
        result: 'done' as const,
        reason: '2s, exit code 0',
        at: AT,
      },
    ],
    checkpoints: [
      { phase: 'first', position: 'cart@100', attempt: 1, at: AT, weights: live, gates: ['suite'] },
    ],
    investigations: [
      {
        guardrail: 'integrity',
        service: 'cart',
        value: '3 rows differ',
        threshold: 'alike',
        position: 'pay@10',
        openedAt: AT,
      },
    ],
  }
  const previous = {
    ...now,
    verified: { position: 'promoted', at: AT },
    guardedMs: 60_000,
    clock: 60,
  }
  return statusLines({
    stack: 'shop-production',
    request: { ...request, plan, position: 'pay@10', environment: 'production' },
    observation: { ...observation, journal: now, live, previous },
    lastAttempt: 1,
    hook: { unavailable: 'away' },
  }).join('\n')
}

describe('the status of a larger plan', () => {
  it('shows phases with their checkpoints, flags, operations and what is to be looked at', async () => {
    const text = await lines()
    expect(text).toContain('phases          first (1): finished; checkpoint of')
    expect(text).toContain('passed suite')
    expect(text).toContain('second (1): at pay@10')
    expect(text).toContain('flags           new-cart: on')
    expect(text).toContain('fast: on, set on')
    expect(text).toContain('operations      indices at start: done: 2s, exit code 0')
    expect(text).toMatch(/investigations {2}integrity of cart .*type: sluice resolve integrity/)
  })

  it('reports cycles, and dependencies against the phases', async () => {
    const text = await lines()
    expect(text).toContain('dependencies    cycle: cart → pay → cart')
    expect(text).toContain('against the phases: cart needs pay, which moves in second')
  })

  it('shows where the environment before it stands, at its own clock', async () => {
    expect(await lines()).toContain(
      'environment     production; staging, before it, stands at promoted for 1h',
    )
  })

  it('shows the way down of a progressive rollback', async () => {
    const trip = {
      position: 'pay@10',
      landing: 'cart@100',
      cause: 'latency',
      value: '2s',
      threshold: '1s',
      at: AT,
      reason: 'slow',
    }
    const latch = latchAt(
      clearLatch(),
      trip,
      { cart: split(50), pay: split(0) },
      {
        left: [25, 0],
        everyMs: 300_000,
        since: AT,
        landing: {},
      },
    )
    expect(await lines(latch)).toContain(
      'going down: at most cart 50, pay 0; then 25, 0, 5m each, the next in 5m',
    )
  })

  it('shows a rollback that is not done: what it waits for, and the limit that is over', async () => {
    const why = { cause: 'errors', value: '9%', threshold: '5%', at: AT, reason: 'errors' }
    const at = { position: 'pay@10', landing: 'cart@100' }
    const since = new Date(Date.parse(AT) - 40_000).toISOString()
    const promised = [{ since, scopes: ['service' as const], landing: 'cart@100' }]
    const latch = latchAt(clearLatch(), { ...why, ...at, promised }, { pay: split(0) })
    expect(await lines(latch)).toContain(
      'not done after 40s (limit service 30s: NOT KEPT): green is not back at cart@100',
    )
  })

  it('says what is recommended, and why', async () => {
    expect(await lines()).toContain('advice          hold: integrity of cart is to be looked at')
  })
})
