import { describe, expect, it } from 'vitest'
import type { Gate } from '../../rollout/plan.ts'
import { judgeQuery, judgeSteady } from '../../rollout/steady.ts'
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

describe('judging answers that blue gave for green', () => {
  const fallen = { requests: 100, errors: 0, fallbacks: 70, p95: 0.01 }

  it('counts them as no evidence, but for the share of them', () => {
    expect(judgeSteady(gate('p95', '100ms'), fallen, {}, 50)).toEqual({
      result: 'inconclusive',
      reason:
        'green gave 30 answers of its own, and 70 by falling back, of the 50 that minimumRequests asks for',
    })
    expect(judgeSteady(gate('fallback-rate', '0.5%'), fallen, {}, 50).result).toBe('failed')
    expect(judgeSteady(gate('error-rate', '5%'), { ...fallen, errors: 3 }, {}, 30)).toEqual({
      result: 'failed',
      reason: 'error rate 10% over 30 answers, not below 5%',
    })
  })
})

describe("judging a green's own throughput", () => {
  it('holds it against its share of what blue did alone', () => {
    const above = {
      ...gate('throughput', '1s'),
      below: undefined,
      above: parseThreshold('80% of baseline'),
    }
    const baseline = { requests: 900, errors: 0, rate: 100 }
    const own = (rate: number) =>
      judgeSteady(above, { ...green, rate }, { baseline, weight: 25 }, 50).result
    expect(own(21)).toBe('passed')
    expect(own(19)).toBe('failed')
  })
})

describe('a metric at the very number of its gate', () => {
  const atThree = { requests: 100, errors: 3, p95: 3 }
  it.each([
    ['p95', '3s', 'p95 3s over 100 answers'],
    ['error-rate', '3%', 'error rate 3% over 100 answers'],
  ] as const)('passes %s at most %s, and fails below it', (metric, number, measured) => {
    const held = (side: 'atMost' | 'below') =>
      ({ metric, [side]: parseThreshold(number), otherwise: 'hold', ignore: [] }) as unknown as Gate
    expect(judgeSteady(held('atMost'), atThree, {}, 50)).toEqual({
      result: 'passed',
      reason: `${measured}, at most ${number}`,
    })
    expect(judgeSteady(held('below'), atThree, {}, 50)).toEqual({
      result: 'failed',
      reason: `${measured}, not below ${number}`,
    })
  })

  it('holds a relation from its very number too', () => {
    const gate = { metric: 'p95', atMost: parseThreshold('100% of blue') } as Gate
    const blue = { requests: 100, errors: 0, p95: 3 }
    expect(judgeSteady(gate, atThree, { blue }, 50)).toEqual({
      result: 'passed',
      reason: 'p95 3s over 100 answers, at most 3s (100% of blue)',
    })
  })
})

describe('judging a query', () => {
  const precise = {
    above: parseThreshold(0.95),
    otherwise: 'hold',
    ignore: [],
  } as unknown as Gate

  it('passes and fails with both numbers', () => {
    expect(judgeQuery(precise, { value: 0.97 })).toEqual({
      result: 'passed',
      reason: 'the query gave 0.97, above 0.95',
    })
    expect(judgeQuery(precise, { value: 0.95 })).toMatchObject({
      result: 'failed',
      reason: 'the query gave 0.95, not above 0.95',
    })
  })

  it.each([
    ['above', 0.95, 'failed', 'not above 0.95'],
    ['below', 0.95, 'failed', 'not below 0.95'],
    ['atLeast', 0.95, 'passed', 'at least 0.95'],
    ['atMost', 0.95, 'passed', 'at most 0.95'],
    ['atLeast', 0.9499, 'failed', 'not at least 0.95'],
    ['atMost', 0.9501, 'failed', 'not at most 0.95'],
    ['atLeast', 1, 'passed', 'at least 0.95'],
    ['atMost', 0, 'passed', 'at most 0.95'],
  ] as const)('held %s 0.95, %d is %s', (side, value, result, said) => {
    const gate = { ...precise, above: undefined, [side]: parseThreshold(0.95) } as Gate
    const reason = `the query gave ${value}, ${said}`
    expect(judgeQuery(gate, { value })).toEqual({ result, reason })
  })

  it.each([
    ['there is no data', precise, { problem: 'no data' }],
    ['it is no number', precise, { value: Number.NaN }],
    [
      'the threshold is no number',
      { ...precise, above: parseThreshold('2x baseline') },
      { value: 1 },
    ],
    ['there is no threshold', { ...precise, above: undefined }, { value: 1 }],
  ])('is inconclusive where %s', (_what, asked, answer) => {
    expect(judgeQuery(asked, answer).result).toBe('inconclusive')
  })
})
