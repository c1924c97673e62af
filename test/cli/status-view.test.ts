import { describe, expect, it } from 'vitest'
import type { HookStatus } from '../../cli/hook-status.ts'
import { statusLines } from '../../cli/status-view.ts'
import { clearLatch, latchAt } from '../../rollout/latch.ts'
import { split } from '../../rollout/weights.ts'
import { standingAtTen } from './sluice.ts'

const hook: HookStatus = {
  measurements: {
    huntred: {
      blue: { requests: 1_800, errors: 0, p95: 0.0102 },
      green: { requests: 200, errors: 3, p95: 0.0124 },
    },
  },
  notifications: { pending: 0, failed: 1, lastError: 'on-call: 500' },
  events: [],
}

const TRIP = {
  position: 'huntred@10',
  landing: 'start',
  cause: 'errors',
  value: 'error rate 100%',
  threshold: '5%',
  at: '2026-03-01T11:59:00.000Z',
  reason: 'guardrail errors fires for huntred',
}

describe('the status', () => {
  it('says where the rollout stands, what it waits for, and what to type', async () => {
    const { request, observation } = await standingAtTen()
    const lines = statusLines({ stack: 'huntred', request, observation, lastAttempt: 1, hook })
    expect(lines).toEqual([
      'huntred: at huntred@10 (position 2 of 8), attempt 1',
      '  weights live    huntred: blue 90, green 10',
      '  latch           clear, 0 trips',
      '  bake            3h of 1d under guard, 21h left; answers of green: huntred 4000 (at least 50)',
      `  guard           alive, guards this plan (${request.planHash})`,
      '  traffic         last 10 s  colour  requests  errors  rate  p95',
      '                  huntred    blue    1800      0       0.0%  10.2ms',
      '                  huntred    green   200       3       1.5%  12.4ms',
      '  alarms          none',
      '  gates           steady: not judged yet',
      '  backups         huntred: b1, verified, 3h 2m old, stale (at most 15m)',
      '  notifications   1 failed, 0 pending; last: on-call: 500',
      '  advice          hold: huntred@10 has baked 3h of 1d; gates not passed yet: steady',
      '  next            huntred@25 waits for bake, gate',
      '                  type: sluice advance --wait',
    ])
  })

  it('says how the continuous archive stands, and what to do where it fails', async () => {
    const { request, observation } = await standingAtTen()
    const archive = {
      state: 'failing',
      text: 'archiving fails since noon',
      next: 'make room',
    } as const
    const lines = statusLines({
      stack: 'huntred',
      request,
      observation,
      lastAttempt: 1,
      hook,
      archive,
    })
    expect(lines).toContain('  archive         failing: archiving fails since noon')
    expect(lines).toContain('                  next: make room')
  })

  it('shows a latch with both numbers and the two lines to type', async () => {
    const latch = latchAt(clearLatch(), TRIP, { huntred: split(0) })
    const { request, observation, journal } = await standingAtTen(latch)
    observation.live = { huntred: split(0) }
    observation.journal = {
      ...journal,
      weights: { huntred: split(0) },
      verified: { position: 'start', at: latch.trip?.at ?? '' },
    }
    const text = statusLines({
      stack: 'huntred',
      request,
      observation,
      lastAttempt: 1,
      hook: { unavailable: 'it does not answer' },
    }).join('\n')
    expect(text).toContain(
      'LATCHED: trip 1, errors: error rate 100% against 5%, at 2026-03-01T11:59:00.000Z, from huntred@10 to start',
    )
    expect(text).toContain('type: pulumi config set sluice:attempt 2')
    expect(text).toContain('type: pulumi config set sluice:step start')
    expect(text).toContain('not known: it does not answer')
  })

  it('calls a trip acknowledged only by an attempt that was raised after it', async () => {
    const latch = latchAt(clearLatch(), TRIP, { huntred: split(0) })
    const { request, observation } = await standingAtTen(latch)
    const status = (lastAttempt: number) =>
      statusLines({
        stack: 'huntred',
        request: { ...request, attempt: 2 },
        observation,
        lastAttempt,
        hook,
      }).join('\n')
    expect(status(1)).toContain('the config acknowledges it')
    expect(status(1)).toContain('the next update takes the latch off')
    expect(status(2)).not.toContain('the config acknowledges')
    expect(status(2)).toContain('acknowledges nothing unseen')
    expect(status(2)).toContain('type: pulumi config set sluice:attempt 1')
  })

  it('says of a step that the plan has not which there are', async () => {
    const { request, observation } = await standingAtTen()
    const text = statusLines({
      stack: 'huntred',
      request: { ...request, position: 'huntred@11' },
      observation,
      lastAttempt: 1,
      hook,
    }).join('\n')
    expect(text).toContain('"huntred@11" is no position of the plan; it has start, huntred@5')
    expect(text).toContain('type: pulumi config set sluice:step huntred@10')
  })

  it('never calls a guard alive that is not', async () => {
    const { request, observation } = await standingAtTen()
    observation.guard = { alive: false, reason: 'it was killed' }
    const text = statusLines({ stack: 'huntred', request, observation, lastAttempt: 1, hook }).join(
      '\n',
    )
    expect(text).toContain('does not guard: it was killed')
    expect(text).toContain('type: sluice doctor')
  })
})
