import { describe, expect, it } from 'vitest'
import { judgeLoad, planLoad } from '../../rollout/load.ts'

const gate = { times: 10, for: 60_000, errors: 0.01, p95: 100 }

describe('the load of a gate', () => {
  it("is so many times blue's rate, between 10 and 500 a second", () => {
    expect(planLoad(gate, 12, 1)).toEqual({
      rate: 120,
      forMs: 60_000,
      requests: 7_200,
      note: '10 times 12/s',
    })
    expect(planLoad(gate, 0.2, 1)).toMatchObject({
      rate: 10,
      note: '10 times 0.2/s, but at least 10/s',
    })
    expect(planLoad(gate, 400, 1)).toMatchObject({
      rate: 500,
      note: '10 times 400/s, but at most 500/s',
    })
  })

  it('passes faster on a faster clock, but takes 2 s, and ends whatever the plan asks for', () => {
    expect(planLoad(gate, 10, 10).forMs).toBe(6_000)
    expect(planLoad(gate, 10, 3_600)).toMatchObject({ forMs: 2_000, requests: 200 })
    expect(planLoad({ ...gate, for: 86_400_000 }, 50, 1)).toMatchObject({
      requests: 200_000,
      forMs: 400_000,
    })
  })
})

describe('judging a load', () => {
  const planned = planLoad(gate, 10, 60)
  const result = (errors: number, p95 = 0.05, requests = planned.requests) => ({
    requests,
    errors,
    seconds: Array.from({ length: 100 }, (_, n) => (n < 94 ? 0.01 : p95)),
    tookMs: 2_000,
  })

  it('passes within its share of errors and its p95, with the numbers', () => {
    expect(judgeLoad(gate, planned, result(2))).toEqual({
      result: 'passed',
      reason: '200 requests in 2s (10 times 10/s); errors 1%, at most 1%; p95 50ms, at most 100ms',
    })
  })

  it('fails above either', () => {
    expect(judgeLoad(gate, planned, result(3)).result).toBe('failed')
    expect(judgeLoad(gate, planned, result(0, 0.101)).result).toBe('failed')
    expect(judgeLoad({ ...gate, p95: undefined }, planned, result(0, 9)).result).toBe('passed')
  })

  it('fails without an answer, and is open where not everything was sent', () => {
    const none = { requests: planned.requests, errors: planned.requests, seconds: [], tookMs: 1 }
    expect(judgeLoad(gate, planned, none).result).toBe('failed')
    expect(judgeLoad(gate, planned, result(0, 0.01, 7)).result).toBe('inconclusive')
  })
})
