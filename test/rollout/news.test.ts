import { describe, expect, it } from 'vitest'
import { audienceOf, type News, severityOf } from '../../rollout/news.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { changed } from './plans.ts'

const { plan } = parsePlan(
  changed({
    notify: {
      everyone: { webhook: 'env:PAGER_URL' },
      urgent: { webhook: 'env:URGENT_URL', from: 'high' },
      business: { slack: 'env:SLACK_URL', only: 'named' },
    },
    'guardrails.errors.severity': 'high',
    'guardrails.latency.severity': 'low',
    'guardrails.latency.notify': ['business'],
  }),
)
const told = (kind: string, severity: News['severity'], details?: News['details']) =>
  audienceOf(plan, { kind, severity, details })

describe('news', () => {
  it('is what needs people and what was reached, not each detail', () => {
    expect(told('tripped', 'critical')).toEqual(['everyone', 'urgent'])
    expect(told('gate', 'warning')).toEqual(['everyone'])
    expect(told('verified', 'info')).toEqual(['everyone'])
    expect(told('weights', 'info')).toEqual([])
  })

  it('goes to a channel from the severity that it asks for', () => {
    expect(told('alarm', 'warning', { guardrail: 'errors' })).toEqual(['everyone', 'urgent'])
    expect(told('alarm', 'warning', { guardrail: 'errors-warn' })).toEqual(['everyone'])
    expect(told('investigation', 'critical', { guardrail: 'errors' })).toContain('urgent')
  })

  it('goes to exactly the channels that a guardrail or an event names', () => {
    expect(told('alarm', 'warning', { guardrail: 'latency' })).toEqual(['business'])
    expect(told('report', 'info', { notify: ['business'] })).toEqual(['business'])
    expect(told('escalation', 'critical', { notify: ['urgent', 'nobody'] })).toEqual(['urgent'])
    expect(told('checkpoint', 'info')).toEqual([])
  })

  it('of a rollback is for all, and for those whom its guardrail names besides', () => {
    const details = { trip: 1, record: { cause: 'latency' } }
    expect(told('tripped', 'critical', details)).toEqual(['everyone', 'urgent', 'business'])
  })

  it('carries the severity of its guardrail, or of what happened', () => {
    const of = (kind: string, severity: News['severity'], guardrail?: string) =>
      severityOf(plan, { kind, severity, details: guardrail ? { guardrail } : {} })
    expect(of('alarm', 'warning', 'errors')).toBe('high')
    expect(of('alarm', 'warning', 'errors-warn')).toBe('medium')
    expect(of('alarm', 'warning', 'latency')).toBe('low')
    expect(of('alarm', 'warning', 'latency-warn')).toBe('low')
    expect(of('alarm', 'warning', 'external.redis')).toBe('medium')
    expect(of('tripped', 'critical', 'latency')).toBe('critical')
    expect(of('verified', 'info')).toBe('low')
  })
})
