import { join } from 'node:path'
import { expect, it } from 'vitest'
import { loadPlan } from '../../platforms/plan-file.ts'
import { kpiTable } from '../../rollout/targets.ts'
import { checkout } from '../../tools/checkout.ts'

const { plan } = await loadPlan(join(checkout, 'stacks', 'supersmartmatch.plan.yaml'))

/** The table of supersmartmatch for what was measured of the matcher, and for what its queries gave. */
const kpis = (measured: object, queries: Record<string, number>) => {
  const green = { matcher: { requests: 1_000, errors: 0, ...measured } }
  const table = kpiTable(plan, { green, baselines: {}, queries })
  return (name: string) => table.find((kpi) => kpi.name === name)
}

// The column "Actuel V2" of the document, and what lies just on the other side of its target.
it.each([
  ['precision', 0.95, '95%', 0.949],
  ['satisfaction', 0.96, '96%', 0.949],
  ['conversion', 0.24, '24%', 0.239],
  ['nexten', 0.75, '75%', 0.699],
  ['cache', 0.85, '85%', 0.799],
  ['mttr', 420, '420', 601],
])('the target %s is met by %s and missed by what is just beyond it', (name, met, told, missed) => {
  expect(kpis({}, { [name]: met })(name)).toMatchObject({ actual: told, result: 'met' })
  expect(kpis({}, { [name]: missed })(name)).toMatchObject({ result: 'missed' })
})

it('a fallback rate of 0.3 % meets its target, and one of 1.1 % misses it', () => {
  expect(kpis({ fallbacks: 3 }, {})('fallback')).toMatchObject({ actual: '0.3%', result: 'met' })
  expect(kpis({ fallbacks: 11 }, {})('fallback')).toMatchObject({ result: 'missed' })
})

it('a p95 of 87 ms meets its target, and one of 101 ms misses it', () => {
  expect(kpis({ p95: 0.087 }, {})('response-time')).toMatchObject({ result: 'met' })
  expect(kpis({ p95: 0.101 }, {})('response-time')).toMatchObject({ result: 'missed' })
})
