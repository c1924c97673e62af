import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Bake } from '../../hooks/bake.ts'
import { checkIntervalMs } from '../../hooks/checks.ts'
import { Histogram, RollingHistogram } from '../../hooks/histogram.ts'
import { Metrics } from '../../hooks/metrics.ts'
import type { Journal } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { allBlue, split } from '../../rollout/weights.ts'

describe('a histogram', () => {
  it('gives quantiles to five percent', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 60, noNaN: true }), { minLength: 1, maxLength: 300 }),
        (seconds) => {
          const histogram = new Histogram()
          for (const value of seconds) histogram.add(false, value)
          const sorted = seconds.toSorted((a, b) => a - b)
          const exact = sorted[Math.ceil(sorted.length * 0.95) - 1]!
          const { p95 } = histogram.measurement()
          expect(Math.abs(p95! / exact - 1)).toBeLessThan(0.05)
        },
      ),
    )
  })

  it('goes on from what a journal kept', () => {
    const kept = { requests: 1_000, errors: 7, p50: 0.01, p95: 0.1, p99: 0.5 }
    const again = Histogram.from(kept).measurement()
    expect(again).toMatchObject({ requests: 1_000, errors: 7 })
    for (const name of ['p50', 'p95', 'p99'] as const) {
      expect(again[name]! / kept[name]).toBeGreaterThan(0.95)
      expect(again[name]! / kept[name]).toBeLessThan(1.05)
    }
  })

  it('has no quantile of nothing', () => {
    const histogram = new Histogram()
    histogram.add(true)
    expect(histogram.measurement()).toEqual({ requests: 1, errors: 1 })
  })

  it('forgets what is older than the window', () => {
    const rolling = new RollingHistogram(60)
    rolling.add(1_000, true, 1)
    rolling.add(9_000, false, 0.1)
    expect(rolling.measure(9_500, 2_000)).toMatchObject({ requests: 1, errors: 0 })
    expect(rolling.measure(9_500, 10_000)).toMatchObject({ requests: 2, errors: 1 })
    rolling.add(100_000, false, 0.1)
    expect(rolling.measure(100_000, 600_000)).toMatchObject({ requests: 1 })
  })
})

const green = {
  service: 'api',
  colour: 'green',
  bad: false,
  fallback: false,
  seconds: 0.01,
} as const
const blue = { ...green, colour: 'blue' } as const

const { plan } = parsePlan({
  name: 'measuring',
  steps: [25, 100],
  minimumRequests: 2,
  services: {
    api: { blue: { url: 'http://127.0.0.1:9001' }, green: { url: 'http://127.0.0.1:9002' } },
  },
  guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
})

function journal(changes: Partial<Journal> = {}): Journal {
  return {
    plan,
    planHash: 'x',
    verified: { position: 'start', at: '2026-11-21T12:00:00Z' },
    weights: allBlue(['api']),
    attempt: 1,
    guardedMs: 0,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
    ...changes,
  }
}

describe('a bake', () => {
  it('counts time only at the verified weights, and never during a move', () => {
    const bake = new Bake(new Metrics())
    const start = journal()
    bake.add(100, start, start.weights)
    bake.add(1_000, start, { api: split(25) })
    const at = '2026-11-21T12:00:00Z'
    const intent = { position: 'api@25', from: start.weights, to: start.weights, at }
    bake.add(1_000, { ...start, intent }, start.weights)
    bake.add(1_000, undefined, start.weights)
    expect(bake.into(start, false).guardedMs).toBe(100)
    expect(bake.into(start, false).guardedMs).toBe(0)
  })

  it('goes on over a restart, and begins anew at another position', () => {
    const metrics = new Metrics()
    const bake = new Bake(metrics)
    const kept = journal({ green: { api: { requests: 10, errors: 1 } }, guardedMs: 5_000 })
    expect(bake.into(kept, false)).toMatchObject({ guardedMs: 5_000, green: kept.green })
    metrics.record(green, false)
    expect(bake.into(kept, false).green['api']).toMatchObject({ requests: 11, errors: 1 })
    const next = journal({ verified: { position: 'api@25', at: '2026-11-21T12:01:00Z' } })
    expect(bake.into(next, false).green).toEqual({})
  })

  it('keeps what was answered since a move it was told of', () => {
    const metrics = new Metrics()
    const bake = new Bake(metrics)
    bake.into(journal(), false)
    bake.restart()
    metrics.record(green, false)
    const next = journal({ verified: { position: 'api@25', at: '2026-11-21T12:01:00Z' } })
    expect(bake.into(next, false).green['api']?.requests).toBe(1)
  })

  it('shows the last minute of each colour by the counts that a baseline has too', async () => {
    const metrics = new Metrics()
    for (let n = 1; n <= 100; n++) {
      metrics.record({ ...green, colour: 'blue', seconds: n / 1_000 }, true)
    }
    const { p95 } = metrics.beforeFirstStep()['api'] as { p95: number }
    const text = await metrics.registry.metrics()
    const line = 'sluice_recent_seconds{service="api",color="blue",quantile="0.95"}'
    expect(text).toContain(`${line} ${p95}`)
    expect(p95).toBeCloseTo(0.095, 2)
    expect(text).not.toContain('sluice_recent_seconds{service="api",color="green"')
  })

  it('takes a baseline once there are enough answers, and no more after the first step', () => {
    const metrics = new Metrics()
    const bake = new Bake(metrics)
    metrics.record(blue, true)
    expect(bake.into(journal(), true).baselines).toEqual({})
    metrics.record(blue, true)
    const first = bake.into(journal(), true)
    expect(first.baselines['api']?.requests).toBe(2)
    metrics.record(blue, true)
    expect(bake.into(first, false).baselines).toEqual(first.baselines)
    expect(bake.into(first, true).baselines['api']?.requests).toBe(3)
  })
})

describe('metrics', () => {
  const seriesOf = async (metrics: Metrics, series: string) => {
    const line = (await metrics.registry.metrics())
      .split('\n')
      .find((text) => text.startsWith(`${series} `))
    return line === undefined ? undefined : Number(line.slice(series.length))
  }

  it('count an answer that green got from blue apart, and not how long it took', async () => {
    const metrics = new Metrics()
    metrics.begin(['api'])
    metrics.record(green, false)
    metrics.record({ ...green, fallback: true, seconds: 9 }, false)
    metrics.record({ ...green, bad: true }, false)
    for (const outcome of ['ok', 'bad', 'fallback']) {
      const series = `sluice_requests_total{service="api",color="green",outcome="${outcome}"}`
      expect([outcome, await seriesOf(metrics, series)]).toEqual([outcome, 1])
    }
    const counts = { requests: 3, errors: 1, fallbacks: 1 }
    const measured = metrics.measure('api', 'green', 10_000)
    expect(measured).toMatchObject(counts)
    expect(measured.p99).toBeLessThan(0.02)
    expect(metrics.bake()['api']).toMatchObject(counts)
    const series = 'sluice_request_seconds_count{service="api",color="green"}'
    expect(await seriesOf(metrics, series)).toBe(2)
    metrics.beginBake(metrics.bake())
    expect(metrics.bake()['api']).toMatchObject(counts)
  })

  it('add up what copiers say over restarts of a copier', async () => {
    const metrics = new Metrics()
    const say = (ok: number, failed: number) =>
      metrics.setCopies({ kind: 'copies', service: 'api', ok, failed })
    say(5, 0)
    say(9, 1)
    say(2, 0)
    metrics.addUncopied('api')
    expect(await seriesOf(metrics, 'sluice_copies_total{service="api",outcome="ok"}')).toBe(11)
    expect(await seriesOf(metrics, 'sluice_copies_total{service="api",outcome="failed"}')).toBe(2)
  })

  it('have the rate of both colours, and the baseline in its own series', async () => {
    const metrics = new Metrics()
    for (let index = 0; index < 10; index++) metrics.record(index % 2 ? green : blue, true)
    const rate = metrics.measure('api', 'green', 60_000).rate
    expect(rate).toBe(metrics.measure('api', 'blue', 60_000).rate)
    expect(rate).toBeLessThanOrEqual(10)
    const baselines = metrics.beforeFirstStep()
    expect(baselines['api']?.rate).toBeGreaterThan(0)
    metrics.setJournal(journal({ baselines }), false)
    expect(await seriesOf(metrics, 'sluice_baseline_rate{service="api"}')).toBe(
      baselines['api']?.rate,
    )
  })

  it('know how much of a bake green was up, over a restart', () => {
    const metrics = new Metrics()
    metrics.setServerUp('api', 'green', true)
    metrics.record(green, false)
    expect(metrics.bake()['api']?.availability).toBe(1)
    metrics.beginBake({ api: { requests: 1, errors: 0, availability: 0.5, rate: 4 } }, 1e9)
    expect(metrics.bake()['api']?.availability).toBeCloseTo(0.5)
    expect(metrics.bake()['api']?.rate).toBeCloseTo(4)
  })

  it('look at processes when they are asked for', async () => {
    const metrics = new Metrics()
    let residentBytes = 1
    metrics.watchProcesses(() => [{ service: 'api', color: 'green', residentBytes }], 0)
    const series = 'sluice_process_resident_bytes{service="api",color="green"}'
    expect(await seriesOf(metrics, series)).toBe(1)
    residentBytes = 2
    expect(await seriesOf(metrics, series)).toBe(2)
    const none = 'sluice_start_seconds{service="api",color="green"}'
    expect(await seriesOf(metrics, none)).toBeUndefined()
  })
})

describe('checks', () => {
  it('come faster with the clock, down to a second', () => {
    expect(checkIntervalMs(undefined, 1)).toBe(30_000)
    expect(checkIntervalMs(60_000, 10)).toBe(6_000)
    expect(checkIntervalMs(30_000, 1_000)).toBe(1_000)
  })
})
