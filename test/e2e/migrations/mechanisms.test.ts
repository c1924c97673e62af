import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { evaluator } from '../../../examples/flags.ts'
import type { PlanInput } from '../../../rollout/plan.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 600_000, hookTimeout: 240_000 })

/** The plan's guardrails, flags and limits as they are; two short steps, and no checks before. */
function short(plan: PlanInput): PlanInput {
  const { phases: _phases, ...rest } = plan
  return { ...rest, steps: [50, 100], bake: '10s', settle: '0s', start: {}, gates: {}, retire: {} }
}

describe.runIf(chosen('mechanisms'))('the guardrails of supersmartmatch, each seen to fire', () => {
  let migration: Migration
  const flag = (name: string) =>
    evaluator(JSON.parse(readFileSync(migration.stack.layout.flags, 'utf8')))(name, { bucket: 0 })

  beforeAll(async () => {
    migration = await Migration.create({
      name: 'supersmartmatch',
      clock: 60,
      rate: 80,
      edit: short,
      paths: [
        {
          path: '/match',
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ id: 'a', questionnaire_completeness: 0.9, skills_count: 6 }),
        },
      ],
    })
    await migration.deploy()
    await migration.goTo('matcher@100', 'start', 180)
  })
  afterAll(() => migration?.close())

  it('a p95 above 150 ms for 5 minutes enables performance mode, and takes nothing back', async () => {
    const { stack } = migration
    expect(flag('performance-mode')).toBe(false)
    await stack.fault('green', { work: 300 })
    await stack.until('performance mode', () => flag('performance-mode'), 180)
    expect(await stack.green('matcher')).toBe(100)
    await stack.fault('green', undefined)
  })

  it('a precision below 0.90 goes back through 75, 50 and 25 to 0, and never up', async () => {
    const { stack } = migration
    const seen: number[] = []
    await stack.fault('green', { imprecise: 0.5 })
    await stack.until(
      'green at 0',
      async () => {
        const now = await stack.green('matcher')
        if (now !== seen.at(-1)) seen.push(now)
        return now === 0
      },
      240,
    )
    expect(seen).toEqual([...seen].sort((a, b) => b - a))
    expect(seen).toEqual(expect.arrayContaining([100, 75, 0]))
    await stack.until('the news of it', () =>
      migration.news.some((text) => /ROLLED BACK/.test(text)),
    )
  })
})
