import { describe, expect, it } from 'vitest'
import { type ReportData, reportText } from '../../rollout/report-text.ts'
import { alarm, world } from './world.ts'

function data(changes: Partial<ReportData> = {}): ReportData {
  const { journal, observation } = world('api@50')
  return {
    journal: { ...journal, guardedMs: 60_000 },
    clock: 60,
    live: observation.live,
    alarms: [],
    measured: {
      api: {
        blue: { requests: 400, errors: 4, p95: 0.2 },
        green: { requests: 400, errors: 0, p95: 0.15 },
      },
    },
    gains: [
      { service: 'api', metric: 'p95', blue: '200ms', green: '150ms', change: -25, better: true },
    ],
    kpis: [
      {
        name: 'up',
        title: 'Availability',
        target: 'above 99.9%',
        actual: '99.7%',
        result: 'missed',
      },
      {
        name: 'memory',
        title: 'Memory',
        target: 'below 400MB',
        actual: '300MB',
        result: 'met',
        blue: '1200MB',
        change: { change: -75, better: true },
      },
    ],
    advice: { advice: 'hold', reason: 'Availability is 99.7%, target above 99.9%' },
    ...changes,
  }
}

describe('a report', () => {
  it('says where it stands, what green does, what was gained, what is missed, and what to do', () => {
    expect(reportText(data()).split('\n')).toEqual([
      'api@50 stands since 2026-05-01T12:00:00.000Z, baked 1h of 1h, attempt 1',
      'api: green 50%, 400 answers, error rate 0% (blue 1%), p95 150ms (blue 200ms)',
      'api: p95 200ms before, 150ms now (-25%, better)',
      '1 of 2 targets met, missed: Availability',
      'Availability: 99.7%, above 99.9%: missed',
      'Memory: 300MB, below 400MB: met, blue 1200MB (-75%, better)',
      'alarms: none',
      'recommendation: hold, as Availability is 99.7%, target above 99.9%',
    ])
  })

  it('names what fires, and says where nobody knows', () => {
    expect(reportText(data({ alarms: [alarm()] }))).toMatch(
      /^alarms: errors on api: 9% against 5%$/m,
    )
    expect(reportText(data({ alarms: { unavailable: 'no answer' } }))).toMatch(
      /^alarms: unknown: no answer$/m,
    )
  })

  it('tells how each number moved since the report before', () => {
    const before = (errors: number, p95: number) => ({
      before: {
        api: { blue: { requests: 0, errors: 0 }, green: { requests: 400, errors, p95 } },
      },
    })
    const line = (changes: Partial<ReportData>) => reportText(data(changes)).split('\n')[1]
    expect(line(before(8, 0.1))).toBe(
      'api: green 50%, 400 answers, error rate 0% (blue 1%, down from 2%), p95 150ms (blue 200ms, up from 100ms)',
    )
    expect(line(before(0, 0.16))).toBe(
      'api: green 50%, 400 answers, error rate 0% (blue 1%, steady), p95 150ms (blue 200ms, steady)',
    )
  })

  it('says nothing of a green that was not measured', () => {
    const none = { requests: 0, errors: 0 }
    expect(reportText(data({ measured: { api: { blue: none, green: none } } }))).toMatch(
      /^api: green 50%, 0 answers$/m,
    )
  })
})
