import { expect, it } from 'vitest'
import { GatewayCounters } from '../../../platforms/kubernetes/gateway-counters.ts'
import type { Counted } from '../../../platforms/kubernetes/traefik-metrics.ts'

const counted = (errors: number): Counted[] => [
  {
    service: 'api',
    colour: 'green',
    code: 500,
    buckets: new Map([[Number.POSITIVE_INFINITY, errors]]),
  },
]
/** Two that began long before anybody looked, the second later than the first. */
const [OLD, YOUNG] = [1_000, 2_000]

it("what a process had counted before it was looked at first is nobody's", () => {
  const counters = new GatewayCounters()
  expect(counters.grownBy({ started: OLD, at: 5_000, counted: counted(70) })).toEqual([])
  expect(counters.grownBy({ started: OLD, at: 5_001, counted: counted(72) })).toHaveLength(2)
})

it('replicas that answer by turns are each held against themselves: no error is invented, none lost', () => {
  const counters = new GatewayCounters()
  const turns = [
    { started: OLD, errors: 70, grown: 0 },
    { started: YOUNG, errors: 500, grown: 0 },
    { started: OLD, errors: 70, grown: 0 },
    { started: YOUNG, errors: 501, grown: 1 },
    { started: YOUNG, errors: 501, grown: 0 },
    { started: OLD, errors: 73, grown: 3 },
  ]
  turns.forEach(({ started, errors, grown }, second) => {
    const told = counters.grownBy({ started, at: 5_000 + second, counted: counted(errors) })
    expect(told).toHaveLength(grown)
  })
  expect(counters.several).toBe(true)
})

it('a process that began since the last look has counted answers since, and nothing else', () => {
  const counters = new GatewayCounters()
  counters.grownBy({ started: OLD, at: 5_000, counted: counted(70) })
  expect(counters.grownBy({ started: 5_001, at: 5_002, counted: counted(90) })).toHaveLength(90)
  expect(counters.grownBy({ started: 5_001, at: 5_003, counted: counted(91) })).toHaveLength(1)
  expect(counters.several).toBe(false)
})

it('an update of the gateway, in which both answer for a while, is not several replicas', () => {
  const counters = new GatewayCounters()
  counters.grownBy({ started: OLD, at: 5_000, counted: counted(70) })
  counters.grownBy({ started: 5_001, at: 5_010, counted: counted(1) })
  expect(counters.grownBy({ started: OLD, at: 5_020, counted: counted(71) })).toHaveLength(1)
  counters.grownBy({ started: 5_001, at: 5_100, counted: counted(2) })
  expect(counters.several).toBe(false)
})

it('a gateway that does not say when it began has begun anew where a counter fell', () => {
  const counters = new GatewayCounters()
  counters.grownBy({ at: 5_000, counted: counted(70) })
  expect(counters.grownBy({ at: 5_001, counted: counted(2) })).toHaveLength(2)
})
