import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { urlOf } from '../../../rollout/services.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 240_000 })

const match = (body: object) => ({
  path: '/match',
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

describe.runIf(chosen('supersmartmatch'))('supersmartmatch, from start to retired', () => {
  let migration: Migration

  beforeAll(async () => {
    migration = await Migration.create({
      name: 'supersmartmatch',
      clock: 86_400,
      rate: 150,
      paths: [
        match({ id: 'a', questionnaire_completeness: 0.9, skills_count: 6 }),
        match({ id: 'b', questionnaire_completeness: 0.8, skills_count: 8 }),
        match({ id: 'c', questionnaire_completeness: 0.9, skills_count: 7 }),
        match({ id: 'd', mobility: 'local', max_distance: 15 }),
        '/match/a',
      ],
    })
    await migration.deploy()
  })
  afterAll(() => migration?.close())

  it('passes its checks at 0 %: sanity, business rules, failover, ten times the load', async () => {
    await migration.goTo('matcher@5', 'start', 180)
    expect(await migration.stack.green('matcher')).toBe(5)
  })

  it('goes through the A/B test, which shows green to be better', async () => {
    await migration.goTo('ab/matcher@25', 'matcher@5', 180)
    expect(await migration.stack.green('matcher')).toBe(25)
  })

  it('scales up to 100, one validated window at a time', async () => {
    await migration.goTo('matcher@100', 'ab/matcher@25', 240)
    expect(await migration.stack.green('matcher')).toBe(100)
  })

  it('reports every day what green gained, and what to do next', async () => {
    const { stack, news } = migration
    await stack.until('a report that recommends', () =>
      news.some((text) => /precision/i.test(text) && /recommendation: /.test(text)),
    )
    // Nothing was rolled back here, and so nothing says how long that takes.
    const report = await migration.report('MTTR')
    for (const { title } of Object.values(stack.plan.report.targets)) {
      expect(report).toContain(title)
    }
  })

  it('is optimised, released and retired, and lost no request', async () => {
    await migration.goTo('retired', 'matcher@100', 120)
    const { plan } = migration.stack
    const told = await fetch(urlOf(plan, 'matcher', 'green', '/v2/health') as string, {
      method: 'POST',
      body: '{}',
    })
    expect(await told.json()).toMatchObject({ optimised: true })
    const stats = await migration.load.stop()
    expect(stats.failures).toEqual([])
    expect(stats.answered).toBe(stats.sent)
  })
})
