import { describe, expect, it } from 'vitest'
import { buildReport } from '../../cli/report/build.ts'
import { outcomeOf } from '../../cli/report/outcome.ts'
import { noSamples, type Samples } from '../../cli/report/samples.ts'
import { visitsOf } from '../../cli/report/tables.ts'
import { reportText } from '../../cli/report/text.ts'
import { countBetween, growth } from '../../cli/report/traffic.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { standingAtTen } from './sluice.ts'

const trip = {
  number: 1,
  attempt: 1,
  position: 'huntred@5',
  landing: 'start',
  cause: 'errors',
  value: 'error rate 100%',
  threshold: '5%',
  at: '2026-03-01T10:00:10.000Z',
  reason: 'guardrail errors fires',
}

const event = (
  seconds: number,
  kind: RolloutEvent['kind'],
  details?: Record<string, unknown>,
): RolloutEvent => ({
  at: new Date(Date.parse('2026-03-01T10:00:00.000Z') + seconds * 1_000).toISOString(),
  kind,
  message: `${kind} ${seconds}`,
  severity: 'info',
  details,
})

const held = (tookMs: number) => [{ limit: 'plan', promisedMs: 300_000, tookMs, kept: true }]
const events = [
  event(0, 'deployed'),
  event(5, 'verified', { position: 'huntred@5' }),
  event(10, 'tripped', { trip: 1, record: trip, tookMs: 180, limits: held(180) }),
  event(11, 'tripped', { trip: 1 }),
  event(20, 'acknowledged'),
  event(25, 'verified', { position: 'huntred@5' }),
]

const second = Date.parse('2026-03-01T10:00:00.000Z') / 1_000
const samples: Samples = {
  ...noSamples,
  times: [0, 5, 10, 15].map((offset) => second + offset),
  requests: [
    { labels: { service: 'huntred', color: 'blue', outcome: 'ok' }, values: [0, 100, 200, 300] },
    { labels: { service: 'huntred', color: 'green', outcome: 'ok' }, values: [0, 0, 40, 40] },
    { labels: { service: 'huntred', color: 'green', outcome: 'bad' }, values: [0, 0, 8, 8] },
  ],
}

describe('the report', () => {
  it('tells each stay at a position with its attempt and how it ended', () => {
    expect(visitsOf(events).map(({ position, attempt, end }) => [position, attempt, end])).toEqual([
      ['start', 1, 'moved'],
      ['huntred@5', 1, 'rolled back'],
      ['start', 1, 'moved'],
      ['start', 2, 'moved'],
      ['huntred@5', 2, 'stands'],
    ])
  })

  it('counts answers for a position from when its weights were set, not verified', () => {
    const moved = [
      event(0, 'deployed'),
      event(4, 'admitted'),
      event(5, 'weights'),
      event(7, 'verified', { position: 'huntred@5' }),
      event(8, 'adopted', { position: 'start' }),
    ]
    const since = (weighed: number) => weighed / 1_000 - second
    expect(visitsOf(moved).map(({ position, weighed }) => [position, since(weighed)])).toEqual([
      ['start', 0],
      ['huntred@5', 5],
      ['start', 8],
    ])
  })

  it('counts the requests of a stay from counters, and a counter that began anew from 0', () => {
    const from = (second + 5) * 1_000
    expect(countBetween(samples, { color: 'green' }, from, from + 5_000)).toBe(48)
    expect(countBetween(samples, { color: 'green', outcome: 'bad' }, from, from + 2_500)).toBe(4)
    expect(growth([5, 8, 2, null, 4])).toEqual([null, 3, 2, null, null])
  })

  it('shows the rollback once, with both numbers, and holds it against the promised time', async () => {
    const { request, journal } = await standingAtTen()
    const html = buildReport(events, samples, request.plan, journal, undefined)
    expect(html.match(/<td>error rate 100%<\/td><td>5%<\/td>/g)).toHaveLength(1)
    expect(html).toContain('180ms, the slowest of 1, from the trigger to the end')
    expect(html).toContain('<td>kept</td>')
    // Read back in time, but its state was not: the whole of it counts.
    const late = event(400, 'limit', { trip: 1, limits: held(390_000) })
    const again = buildReport([...events, late], samples, request.plan, journal, undefined)
    expect(again).toContain('6m 30s, the slowest of 1, from the trigger to the end')
    expect(again).toContain('<td>NOT KEPT</td>')
  })

  it('loads nothing from anywhere', async () => {
    const { request, journal } = await standingAtTen()
    const html = buildReport(events, samples, request.plan, journal, undefined)
    expect(html).not.toMatch(/(src|href)\s*=|@import|url\(/)
  })

  it('lets no text of the history out of its place', async () => {
    const { request, journal } = await standingAtTen()
    const evil = '</script><script>alert(1)</script><!-- \' " & \u2028'
    const told = event(30, 'verified', { position: evil })
    const html = buildReport(
      [...events, { ...told, message: evil }],
      samples,
      request.plan,
      journal,
      undefined,
    )
    expect(html).not.toContain('<script>alert')
    expect(html.match(/<script/g)).toHaveLength(3)
    const data = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? ''
    expect(JSON.parse(data).marks.at(-1).label).toBe(evil)
  })

  it('is a page without plots where Prometheus had nothing', async () => {
    const { request, journal } = await standingAtTen()
    const html = buildReport(events, noSamples, request.plan, journal, undefined)
    expect(html).toContain('Prometheus had no samples')
  })

  it('gives equal text for equal inputs', async () => {
    const { request, journal } = await standingAtTen()
    const once = buildReport(events, samples, request.plan, journal, undefined)
    expect(buildReport(events, samples, request.plan, journal, undefined)).toBe(once)
  })
})

describe('the outcome of a rollout', () => {
  it('stands in the page and in the text: targets, gains, recommendation, limits', async () => {
    const { journal, observation } = await standingAtTen()
    const target = { metric: 'availability' as const, title: 'Availability <b>' }
    const above = { kind: 'absolute' as const, value: 0.999, unit: 'ratio' as const }
    const below = { kind: 'absolute' as const, value: 400_000_000, unit: 'bytes' as const }
    const plan = {
      ...journal.plan,
      limits: { ...journal.plan.limits, flag: 60_000 },
      report: {
        to: [],
        targets: {
          up: { ...target, above },
          memory: { query: 'green', blue: 'blue', below, title: 'Memory (-67%)' },
        },
      },
    }
    const green = { huntred: { requests: 4_000, errors: 1, p95: 0.008, availability: 0.997 } }
    const now = { ...journal, plan, green }
    const outcome = outcomeOf(plan, 1, observation, now, undefined, {
      queries: { memory: 300_000_000 },
      blueQueries: { memory: 1_200_000_000 },
    })
    const told = [
      ...events,
      event(30, 'flag', { limits: [{ limit: 'flag', promisedMs: 60_000, tookMs: 70_000 }] }),
    ]
    const text = reportText(plan, told, now, undefined, outcome).join('\n')
    expect(text).toContain('recommendation: hold, as there is no latch')
    expect(text).toMatch(/Availability <b> +above 99.9% +99.7% +MISSED/)
    expect(text).toMatch(/Memory \(-67%\) +below 400MB +300MB +met +1200MB +-75%, better/)
    expect(text).toMatch(/huntred +p95 +10ms +8ms +-20%, better/)
    expect(text).toMatch(
      /flag +1m +1m 10s, the slowest of 1, from the trigger to the end +NOT KEPT/,
    )
    const page = buildReport(told, noSamples, plan, now, undefined, outcome)
    expect(page).toContain('<td>Availability &lt;b&gt;</td><td>above 99.9%</td><td>99.7%</td>')
    expect(page).toContain('Recommendation: hold')
  })

  it('names the times that a fast clock could not shorten', async () => {
    const { journal, observation } = await standingAtTen()
    const floors = ['guardrails.errors: for 1s instead of 100ms']
    const outcome = outcomeOf(
      journal.plan,
      1,
      observation,
      journal,
      undefined,
      { queries: {} },
      floors,
    )
    const text = reportText(journal.plan, events, journal, undefined, outcome).join('\n')
    expect(text).toContain('guardrails.errors: for 1s instead of 100ms')
    const page = buildReport(events, noSamples, journal.plan, journal, undefined, outcome)
    expect(page).toContain('<td>guardrails.errors: for 1s instead of 100ms</td>')
  })
})
