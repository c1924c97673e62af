import { describe, expect, it } from 'vitest'
import { Alarms } from '../../hooks/alarms.ts'
import { mapAlert } from '../../hooks/alerts.ts'
import { alertsBody } from '../../hooks/bodies.ts'
import { SILENCE_MS, Silence } from '../../hooks/prometheus.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { changed } from '../rollout/plans.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const { plan } = parsePlan(changed({}))

function map(labels: Record<string, string>, more: object = {}) {
  const [alert] = alertsBody.parse([
    {
      labels,
      annotations: { value: '12%', threshold: '5%' },
      startsAt: '2026-11-21T11:59:58.123Z',
      endsAt: '2026-11-21T12:00:04Z',
      generatorURL: 'http://x',
      ...more,
    },
  ])
  return mapAlert(plan, alert!, NOW)
}

describe('an alert of Prometheus', () => {
  it('of a guardrail that is limited to services is none of another service', () => {
    const limited = parsePlan(changed({ 'guardrails.errors.services': ['web'] })).plan
    const of = (guardrail: string, service: string) =>
      mapAlert(limited, { labels: { guardrail, service }, annotations: {} }, NOW)?.alarm.then
    expect(of('errors', 'web')).toBe('rollback')
    expect(of('errors-warn', 'web')).toBe('notify')
    expect(of('errors', 'api')).toBeUndefined()
    expect(of('errors-warn', 'api')).toBeUndefined()
  })

  it('is the alarm of its guardrail, with both numbers', () => {
    expect(map({ guardrail: 'errors', service: 'api', then: 'rollback' })).toEqual({
      firing: true,
      alarm: {
        guardrail: 'errors',
        service: 'api',
        value: '12%',
        threshold: '5%',
        since: '2026-11-21T11:59:58.123Z',
        then: 'rollback',
      },
    })
  })

  it('is over when its end lies in the past', () => {
    const ended = { endsAt: '2026-11-21T11:59:59Z' }
    expect(map({ guardrail: 'errors', service: 'api' }, ended)?.firing).toBe(false)
    expect(map({ guardrail: 'errors', service: 'api' }, { endsAt: undefined })?.firing).toBe(true)
  })

  it('may ask for less than the plan, never for more', () => {
    const then = (guardrail: string, label: string) =>
      map({ guardrail, service: 'api', then: label })?.alarm.then
    expect(then('errors', 'notify')).toBe('notify')
    expect(then('latency', 'rollback')).toBe('hold')
    expect(then('errors', 'explode')).toBe('rollback')
  })

  it('of a warning only notifies', () => {
    expect(map({ guardrail: 'errors-warn', service: 'api', then: 'rollback' })?.alarm.then).toBe(
      'notify',
    )
    expect(map({ guardrail: 'health-warn', service: 'api' })).toBeUndefined()
  })

  it('of a dead server rolls back where the plan guards health or errors', () => {
    expect(map({ guardrail: 'server-down', service: 'api', then: 'rollback' })?.alarm.then).toBe(
      'rollback',
    )
  })

  it.each([
    [{ guardrail: 'nobody', service: 'api' }],
    [{ guardrail: 'errors', service: 'nobody' }],
    [{ guardrail: 'constructor', service: 'api' }],
    [{ guardrail: 'errors', service: 'constructor' }],
    [{ alertname: 'errors' }],
  ])('that the plan does not know is none: %j', (labels) => {
    expect(map(labels as unknown as Record<string, string>)).toBeUndefined()
  })

  it.each([[{}], [[{}]], [[{ labels: { a: 1 } }]], [[{ labels: {}, endsAt: 'soon' }]]])(
    'that makes no sense is refused: %j',
    (body) => {
      expect(alertsBody.safeParse(body).success).toBe(false)
    },
  )
})

describe('active alarms', () => {
  const alarm: Alarm = {
    guardrail: 'errors',
    service: 'api',
    value: '12%',
    threshold: '5%',
    since: NOW.toISOString(),
    then: 'rollback',
  }

  it('are told once, act each time, and leave when they are over', async () => {
    const told: string[] = []
    let acted = 0
    const alarms = new Alarms(
      ({ kind }) => told.push(kind),
      async () => {
        acted++
      },
    )
    await alarms.firing(alarm)
    await alarms.firing(alarm)
    expect([told, acted, alarms.list().length]).toEqual([['alarm'], 2, 1])
    alarms.resolved(alarm)
    alarms.resolved(alarm)
    expect([told, alarms.list()]).toEqual([['alarm', 'resolved'], []])
  })

  it('begin once, and again when they were over', async () => {
    const begun: boolean[] = []
    const alarms = new Alarms(
      () => {},
      async (_alarm, begins) => {
        begun.push(begins)
      },
    )
    await alarms.firing(alarm)
    await alarms.listed([alarm], () => true)
    alarms.resolved(alarm)
    await alarms.firing(alarm)
    expect(begun).toEqual([true, false, true])
  })
})

describe('the silence of Prometheus', () => {
  it('makes alarms unknown when answers or scrapes stop coming', () => {
    const silence = new Silence(0)
    expect(silence.reason(10)).toMatch(/has not told its alerts/)
    silence.answered(100)
    expect(silence.reason(200)).toMatch(/has not scraped/)
    silence.scraped(100)
    expect(silence.reason(200)).toBeUndefined()
    silence.scraped(200 + SILENCE_MS)
    expect(silence.reason(200 + SILENCE_MS)).toMatch(/has not told its alerts for 6s/)
    silence.answered(200 + SILENCE_MS)
    expect(silence.reason(200 + SILENCE_MS)).toBeUndefined()
  })
})
