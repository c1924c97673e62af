import { describe, expect, it } from 'vitest'
import type { Gate } from '../../rollout/plan.ts'
import { judgeSteady } from '../../rollout/steady.ts'
import { parseThreshold } from '../../rollout/threshold.ts'

function gate(metric: Gate['metric'], below: string): Gate {
  const threshold = parseThreshold(below)
  return { metric, below: threshold, over: 'bake', otherwise: 'hold', ignore: [] } as Gate
}

const green = { requests: 2_000, errors: 1, p50: 0.02, p95: 0.12, p99: 0.3 }
const blue = { requests: 2_000, errors: 0, p50: 0.02, p95: 0.1, p99: 0.3 }

describe('judging a metric over the bake', () => {
  it('passes and fails with both numbers', () => {
    expect(judgeSteady(gate('error-rate', '0.1%'), green, {}, 50)).toEqual({
      result: 'passed',
      reason: 'error rate 0.05% over 2000 answers, below 0.1%',
    })
    expect(judgeSteady(gate('p95', '100ms'), green, {}, 50)).toEqual({
      result: 'failed',
      reason: 'p95 120ms over 2000 answers, not below 100ms',
    })
  })

  it('passes above where the gate says above', () => {
    const above = { ...gate('p95', '1s'), below: undefined, above: parseThreshold('100ms') }
    expect(judgeSteady(above, green, {}, 50).result).toBe('passed')
  })

  it('holds green against blue and the baseline', () => {
    expect(judgeSteady(gate('p95', '110% of blue'), green, { blue }, 50)).toEqual({
      result: 'failed',
      reason: 'p95 120ms over 2000 answers, not below 110ms (110% of blue)',
    })
    expect(judgeSteady(gate('p95', '2x baseline'), green, { baseline: blue }, 50)).toEqual({
      result: 'passed',
      reason: 'p95 120ms over 2000 answers, below 200ms (2x baseline)',
    })
  })

  it.each([
    ['nothing was measured', undefined, {}],
    ['green gave too few answers', { requests: 49, errors: 0, p95: 0.001 }, { blue }],
    ['no latency was measured', { requests: 90, errors: 0 }, { blue }],
    ['the latency is not a number', { requests: 90, errors: 0, p95: Number.NaN }, { blue }],
    ['blue was not measured', green, {}],
    ['blue gave a handful of answers', green, { blue: { ...blue, requests: 3 } }],
  ])('is inconclusive where %s', (_what, measured, references) => {
    expect(judgeSteady(gate('p95', '110% of blue'), measured, references, 50).result).toBe(
      'inconclusive',
    )
  })

  it('does not pass without an answer where a plan asks for none', () => {
    const nothing = { requests: 0, errors: 0 }
    expect(judgeSteady(gate('error-rate', '5%'), nothing, {}, 0).result).toBe('inconclusive')
  })
})
