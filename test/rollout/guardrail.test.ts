import { describe, expect, it } from 'vitest'
import {
  type Bound,
  boundOf,
  breaches,
  describeValue,
  measuredValue,
} from '../../rollout/guardrail.ts'
import type { Guardrail } from '../../rollout/plan.ts'
import { parseThreshold } from '../../rollout/threshold.ts'

function guardrail(metric: Guardrail['metric'], above: string, warn?: string): Guardrail {
  return {
    metric,
    above: parseThreshold(above),
    warn: warn === undefined ? undefined : parseThreshold(warn),
    severity: 'critical',
    then: 'rollback',
  }
}

const baseline = { requests: 400, errors: 12, p50: 0.05, p95: 0.15, p99: 0.4 }

describe('the threshold of a guardrail', () => {
  it('is the number that the plan gives', () => {
    expect(boundOf(guardrail('error-rate', '5%'))).toMatchObject({ value: 0.05, text: '5%' })
    expect(boundOf(guardrail('p99', '150ms'))).toMatchObject({ value: 0.15, text: '150ms' })
  })

  it('is a multiple of the baseline or of blue', () => {
    const latency = guardrail('p95', '2x baseline')
    const besideBlue = guardrail('p95', '150% of blue')
    expect(boundOf(latency, { baseline })).toMatchObject({ text: '300ms (2x baseline)' })
    expect(boundOf(besideBlue, { blue: baseline })?.value).toBeCloseTo(0.225)
    expect(boundOf(guardrail('error-rate', '2x baseline'), { baseline })?.value).toBeCloseTo(0.06)
  })

  it('is unknown while its reference is', () => {
    const latency = guardrail('p95', '2x baseline')
    expect(boundOf(latency)).toBeUndefined()
    expect(boundOf(latency, { blue: baseline })).toBeUndefined()
    expect(boundOf(latency, { baseline: { requests: 400, errors: 0 } })).toBeUndefined()
    expect(boundOf(latency, { baseline: { ...baseline, requests: 19 } })).toBeUndefined()
  })

  it('does not shrink to nothing with its reference', () => {
    const perfect = { requests: 400, errors: 0, p95: 0.0004 }
    expect(boundOf(guardrail('error-rate', '2x baseline'), { baseline: perfect })?.value).toBe(0.01)
    expect(boundOf(guardrail('p95', '2x baseline'), { baseline: perfect })?.value).toBe(0.01)
  })

  it('is none where the guardrail is a check', () => {
    expect(boundOf(guardrail(undefined, '5%'))).toBeUndefined()
  })
})

describe('a breach', () => {
  const above: Bound = { metric: 'error-rate', side: 'above', value: 0.05, text: '5%' }

  it('is a value beyond the threshold, not at it', () => {
    expect([0.04, 0.05, 0.06].map((value) => breaches(value, above))).toEqual([false, false, true])
    const below: Bound = { ...above, side: 'below' }
    expect([0.04, 0.05, 0.06].map((value) => breaches(value, below))).toEqual([true, false, false])
  })

  it('is never what was not measured', () => {
    expect(breaches(undefined, above)).toBe(false)
    expect(breaches(Number.NaN, above)).toBe(false)
    expect(measuredValue('error-rate', { requests: 0, errors: 0 })).toBeUndefined()
    expect(measuredValue('p95', { requests: 10, errors: 0 })).toBeUndefined()
  })

  it('is told in the unit of its metric', () => {
    expect(describeValue('error-rate', 0.125)).toBe('error rate 12.5%')
    expect(describeValue('p95', 0.4)).toBe('p95 400ms')
  })
})
