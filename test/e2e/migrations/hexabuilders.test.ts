import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { urlOf } from '../../../rollout/services.ts'
import { greenOf } from '../../../rollout/weights.ts'
import { startIndexServer } from '../../standins/elasticsearch-stand-in.ts'
import { inOrder } from '../in-order.ts'
import { HEXABUILDERS_PATHS } from './hexabuilders-paths.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 240_000 })

describe.runIf(chosen('hexabuilders'))('hexabuilders in staging, from start to retired', () => {
  let migration: Migration
  let index: Awaited<ReturnType<typeof startIndexServer>>
  const rows = (database: string, sql: string) => migration.stack.sql(database, sql)

  inOrder()
  beforeAll(async () => {
    migration = await Migration.create({
      name: 'hexabuilders',
      environment: 'staging',
      clock: 3_600,
      rate: 70,
      paths: HEXABUILDERS_PATHS,
    })
    index = await startIndexServer(migration.stack.port + 9)
    migration.beside(() => index.close())
    await migration.deploy()
  })
  afterAll(() => migration?.close())

  it('has blue working and green deployed before anybody is on green', async () => {
    const { plan, platform } = migration.stack
    const weights = await platform.readWeights()
    for (const service of Object.keys(plan.services)) {
      for (const colour of ['blue', 'green'] as const) {
        const url = urlOf(plan, service, colour, '/healthz')
        // What is new has no blue.
        if (url) expect([url, (await fetch(url)).status]).toEqual([url, 200])
      }
      expect(greenOf(weights, service)).toBe(0)
    }
  })

  it('holds while the search outside is away, and goes on when it is back', async () => {
    const { stack } = migration
    await index.close()
    stack.set({ step: 'hexabuilders@10' })
    await stack.until('elasticsearch to hold', async () =>
      (await stack.held('hexabuilders@10')).some(({ place }) => place === 'external.elasticsearch'),
    )
    index = await startIndexServer(stack.port + 9)
    await stack.until('elasticsearch to hold no more', async () =>
      (await stack.held('hexabuilders@10')).every(
        ({ place }) => place !== 'external.elasticsearch',
      ),
    )
  })

  it('passes its checks at 0 %: the extraction, events, profile and registration', async () => {
    await migration.goTo('hexabuilders@10', 'start', 240)
    const sql = 'select count(*)::int as n from campaigns'
    expect((await rows('campaign_management', sql))[0]?.['n']).toBeGreaterThanOrEqual(1200)
  })

  it('shares one percentage among all four, up to 100', async () => {
    let before = 'start'
    for (const weight of [10, 50, 100]) {
      const position = `hexabuilders@${weight}`
      if (weight > 10) await migration.goTo(position, before, 240)
      before = position
      for (const service of ['partners', 'onboarding', 'recruitment', 'campaigns']) {
        expect(await migration.stack.green(service)).toBe(weight)
      }
    }
  })

  it('loses no event on the way: every partner has a contract', async () => {
    await vi.waitFor(async () => {
      const [lost] = await rows(
        'hexabuilders',
        `select count(*)::int as n from events e where type = 'PartnerRegistrationCompleted'
         and not exists (select 1 from contracts c where c.partner_id::text = e.payload->>'partner_id')
         and at < now() - interval '5 seconds'`,
      )
      expect(lost?.['n']).toBe(0)
    }, 60_000)
  })

  it('reports each figure of the dashboard: business, technical, integration', async () => {
    const report = await migration.report()
    for (const { title } of Object.values(migration.stack.plan.report.targets)) {
      expect(report).toContain(title)
    }
  })

  it('cleans blue up only after everything, and lost no request', async () => {
    await migration.goTo('released', 'hexabuilders@100', 240)
    const there = "select to_regclass('campaigns') is not null as there"
    expect(await rows('hexabuilders', there)).toEqual([{ there: true }])
    await migration.goTo('retired', 'released', 240)
    await migration.stack.until(
      'the clean-up',
      async () => (await rows('hexabuilders', there))[0]?.['there'] === false,
    )
    const stats = await migration.load.stop()
    expect(stats.failures).toEqual([])
    expect(stats.answered).toBe(stats.sent)
  })
})
