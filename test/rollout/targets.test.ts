import { describe, expect, test } from 'vitest'
import { planSchema } from '../../rollout/plan.ts'
import { describeKpis, gainsOf, kpiTable } from '../../rollout/targets.ts'

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'match',
  services: { match: { blue: { url }, green: { url } }, search: { blue: { url }, green: { url } } },
  steps: [100],
  report: {
    targets: {
      availability: { metric: 'availability', above: '99.9%', title: 'Disponibilité' },
      precision: { query: 'match_precision', above: '95%' },
      speed: { metric: 'p95', below: '100ms' },
      faster: { metric: 'p95', below: '90% of baseline' },
      cache: { query: 'cache_hits', above: '80%' },
    },
  },
})
const green = {
  match: { requests: 900, errors: 0, p95: 0.08, availability: 0.997 },
  search: { requests: 100, errors: 1, p95: 0.1, availability: 1 },
}
const baselines = {
  match: { requests: 500, errors: 5, p95: 0.1 },
  search: { requests: 500, errors: 5, p95: 0.12 },
}
const kpis = kpiTable(plan, { green, baselines, queries: { precision: 0.95 } })
const of = (name: string) => kpis.find((kpi) => kpi.name === name)

describe('the targets of a plan', () => {
  test('99.7 % against 99.9 % is a miss', () => {
    expect(of('availability')).toEqual({
      name: 'availability',
      title: 'Disponibilité',
      target: 'above 99.9%',
      actual: '99.7%',
      result: 'missed',
    })
  })

  test('are met at their very number', () => {
    expect(of('precision')).toMatchObject({ actual: '95%', result: 'met' })
    expect(of('speed')).toMatchObject({ actual: '100ms', result: 'met' })
  })

  test('of a baseline are held against it, and of several services the worst counts', () => {
    expect(of('faster')).toMatchObject({ actual: '100ms', result: 'met' })
    const slow = { ...green, search: { ...green.search, p95: 0.118 } }
    const again = kpiTable(plan, { green: slow, baselines, queries: {} })
    expect(again.find(({ name }) => name === 'faster')).toMatchObject({
      target: 'below 108ms (0.9x baseline)',
      actual: '118ms',
      result: 'missed',
    })
  })

  test('that nobody measured are neither met nor missed', () => {
    expect(of('cache')).toMatchObject({ actual: 'not measured', result: 'not measured' })
    expect(describeKpis(kpis)).toBe(
      '3 of 5 targets met, missed: Disponibilité, not measured: cache',
    )
  })

  test('of a query stand beside what blue had, where its own query gave that', () => {
    const memory = (blue: number | undefined, now: number | undefined) =>
      kpiTable(
        planSchema.parse({
          ...{ name: 'match', services: plan.services, steps: [100] },
          report: {
            targets: {
              memory: { query: 'green_bytes', blue: 'blue_bytes', below: '400MB' },
            },
          },
        }),
        { green, baselines, queries: { memory: now }, blueQueries: { memory: blue } },
      )[0]
    expect(memory(1_200_000_000, 400_000_000)).toEqual({
      name: 'memory',
      title: 'memory',
      target: 'below 400MB',
      actual: '400MB',
      result: 'met',
      blue: '1200MB',
      change: { change: -66.7, better: true },
    })
    expect(memory(200_000_000, 300_000_000)?.change).toEqual({ change: 50, better: false })
    expect(memory(undefined, 300_000_000)).not.toHaveProperty('change')
    expect(memory(200_000_000, undefined)).not.toHaveProperty('blue')
    // More is what a target above asks for.
    const up = planSchema.parse({
      ...{ name: 'match', services: plan.services, steps: [100] },
      report: { targets: { cache: { query: 'green', blue: 'blue', above: '80%' } } },
    })
    const numbers = { queries: { cache: 0.9 }, blueQueries: { cache: 0.45 } }
    expect(kpiTable(up, { green, baselines, ...numbers })[0]).toMatchObject({
      blue: '45%',
      change: { change: 100, better: true },
    })
  })

  test('of a metric stand beside the baseline of the service that decides', () => {
    expect(of('speed')).toMatchObject({ actual: '100ms', blue: '120ms' })
    expect(of('speed')?.change).toEqual({ change: -16.7, better: true })
    const few = { ...baselines, search: { ...baselines.search, requests: 19 } }
    const again = kpiTable(plan, { green, baselines: few, queries: {} })
    expect(again.find(({ name }) => name === 'speed')).not.toHaveProperty('blue')
    // Blue's own availability is not recorded before the first step.
    expect(of('availability')).not.toHaveProperty('blue')
  })

  test('gains are told against what blue measured', () => {
    expect(gainsOf(green, baselines)[1]).toEqual({
      service: 'match',
      metric: 'p95',
      blue: '100ms',
      green: '80ms',
      change: -20,
      better: true,
    })
  })
})
