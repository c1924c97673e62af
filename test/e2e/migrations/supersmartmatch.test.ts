import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { urlOf } from '../../../rollout/services.ts'
import { inOrder } from '../in-order.ts'
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

  inOrder()
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

  it('says that V1 is deprecated, and until when, to users whom V1 answers once V2 has all', async () => {
    const { stack } = migration
    // A green that is away is taken back before that.
    await migration.goTo('released', 'matcher@100', 120)
    // Who is on green when it is taken for away loses what cannot be sent twice.
    expect(await migration.load.stop()).toMatchObject({ failures: [] })
    const ask = async () => {
      const { headers, body } = await fetch(`${stack.url}/match/a`)
      await body?.cancel()
      return [headers.get('x-version'), headers.get('deprecation'), headers.get('sunset')]
    }
    expect(await ask()).toEqual(['v2', null, null])
    await stack.fault('green', { unhealthy: 1 })
    await stack.until('V1 to answer', async () => (await ask())[0] === 'v1')
    // RFC 9745: seconds since 1970; RFC 8594: a date of HTTP.
    const day = `@${Date.UTC(2025, 7, 1) / 1_000}`
    expect(await ask()).toEqual(['v1', day, 'Mon, 01 Sep 2025 00:00:00 GMT'])
    await stack.fault('green', undefined)
    await stack.until('V2 to answer', async () => (await ask())[0] === 'v2')
    migration.letIn()
  })

  it('is optimised and retired, and lost no request', async () => {
    const { stack } = migration
    // The errors of a green that was away are in the window of their guardrail for a while, and
    // hold the step once users are there again.
    await stack.until('the step to retired', async () => {
      if ((await stack.held('retired')).length > 0) return false
      return (await stack.set({ step: 'retired' }).up()).code === 0
    })
    const { plan } = stack
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
