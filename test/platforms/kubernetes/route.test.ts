import { describe, expect, it } from 'vitest'
import {
  notAccepted,
  otherOwners,
  ownMetadata,
  type Route,
  weightsIn,
  withGreen,
} from '../../../platforms/kubernetes/route.ts'
import { split } from '../../../rollout/weights.ts'

const route = (blue: number, green: number, more: Partial<Route['metadata']> = {}): Route => ({
  metadata: { name: 'shop-api', generation: 3, ...more },
  spec: {
    rules: [
      { matches: [{ headers: [] }], backendRefs: [{ name: 'shop-api-green', weight: 1 }] },
      {
        backendRefs: [
          { name: 'shop-api-blue', weight: blue },
          { name: 'shop-api-green', weight: green },
        ],
      },
    ],
  },
})

const accepted = (observedGeneration: number, status = 'True'): Route['status'] => ({
  parents: [
    {
      controllerName: 'a gateway',
      parentRef: { name: 'gateway' },
      conditions: ['Accepted', 'ResolvedRefs'].map((type) => ({
        type,
        status,
        observedGeneration,
      })),
    },
  ],
})

describe('the weights of a route', () => {
  it('are shares, whatever they add up to', () => {
    expect(weightsIn(route(3, 1))).toEqual(split(25))
    expect(weightsIn(route(100, 0))).toEqual(split(0))
  })

  it('are nothing to green where nobody gets anything', () => {
    expect(weightsIn(route(0, 0))).toEqual(split(0))
  })

  it('change in the rule that everybody comes to, and nowhere else', () => {
    const before = route(100, 0)
    const rules = withGreen(before, split(40))
    expect(rules[0]).toEqual(before.spec.rules?.[0])
    expect(rules[1]?.backendRefs?.map(({ weight }) => weight)).toEqual([60, 40])
  })
})

describe('a route that was written', () => {
  it('counts as taken at its own generation only', () => {
    expect(notAccepted({ ...route(50, 50), status: accepted(3) })).toBeUndefined()
    expect(notAccepted({ ...route(50, 50), status: accepted(2) })).toMatch(/generation 2.*at 3/)
    expect(notAccepted({ ...route(50, 50), status: accepted(3, 'False') })).toMatch(/is False/)
    expect(notAccepted(route(50, 50))).toMatch(/no gateway/)
  })

  it('names everybody else who owns its weights', () => {
    const fieldsV1 = { 'f:spec': { 'f:rules': {} } }
    const managedFields = [
      { manager: 'sluice', operation: 'Apply' as const, fieldsV1 },
      { manager: 'flagger', operation: 'Update' as const, fieldsV1 },
      { manager: 'traefik', operation: 'Update' as const, subresource: 'status', fieldsV1 },
      { manager: 'before-first-apply', operation: 'Update' as const, fieldsV1 },
      { manager: 'labeller', operation: 'Update' as const, fieldsV1: { 'f:metadata': {} } },
    ]
    expect(otherOwners(route(50, 50, { managedFields }))).toEqual(['flagger'])
  })

  it('keeps of labels and annotations what is ours, and takes nothing of others over', () => {
    const managedFields = [
      {
        manager: 'sluice',
        operation: 'Apply' as const,
        fieldsV1: { 'f:metadata': { 'f:labels': { 'f:mine': {} } } },
      },
    ]
    const metadata = { labels: { mine: '1', theirs: '2' }, annotations: { theirs: '3' } }
    expect(ownMetadata(route(50, 50, { managedFields, ...metadata }))).toEqual({
      labels: { mine: '1' },
      annotations: undefined,
    })
  })
})
