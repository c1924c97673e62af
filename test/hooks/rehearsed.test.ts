import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import { parse } from 'yaml'
import type { GateContext } from '../../hooks/gates/context.ts'
import { rehearsed } from '../../hooks/gates/rehearsed.ts'
import { localSurroundings } from '../../hooks/local-surroundings.ts'
import { FileStore } from '../../platforms/local/file-store.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { loadPlan } from '../../platforms/plan-file.ts'
import { split } from '../../rollout/weights.ts'
import { checkout } from '../../tools/checkout.ts'

const folder = mkdtempSync(join(tmpdir(), 'slr-'))
afterEach(() => rmSync(folder, { recursive: true }))

/** The environment of a stack of hexabuilders, and where the local platform has its home. */
function stackOf(suffix: string) {
  const text = readFileSync(join(checkout, 'stacks', `Pulumi.hexabuilders${suffix}.yaml`), 'utf8')
  const { config } = parse(text) as { config: Record<string, string> }
  const environment = config['sluice:environment']
  return { config, layout: layoutOf(join(folder, `hexabuilders-${environment}`)) }
}

it('a rollback in staging of hexabuilders opens its production', async () => {
  const [staging, production] = [stackOf(''), stackOf('-production')]
  const file = production.config['sluice:plan'] as string
  expect(file).toBe(staging.config['sluice:plan'])
  const { plan } = await loadPlan(join(checkout, 'stacks', file))
  expect(plan.start.gates).toContain('rollback-rehearsed')
  const gate = plan.gates['rollback-rehearsed'] as GateContext['gate']
  const judge = async ({ layout }: typeof staging) =>
    rehearsed.judge({ gate, plan, around: localSurroundings(layout) } as GateContext)

  expect(await judge(staging)).toMatchObject({ result: 'passed' })
  expect(await judge(production)).toMatchObject({ result: 'inconclusive' })
  const store = new FileStore(staging.layout)
  await store.appendEvent({ at: '', kind: 'verified', message: '', severity: 'info' })
  expect(await judge(production)).toMatchObject({ result: 'inconclusive' })
  await store.appendEvent({
    at: '2026-11-21T12:00:00Z',
    kind: 'tripped',
    message: '',
    severity: 'critical',
    details: {
      trip: 1,
      record: { position: 'hexabuilders@10', landing: 'start' },
      weights: Object.fromEntries(Object.keys(plan.services).map((name) => [name, split(0)])),
    },
  })
  expect(await judge(production)).toMatchObject({ result: 'passed' })
})
