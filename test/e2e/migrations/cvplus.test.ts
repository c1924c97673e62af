import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { greenOf } from '../../../rollout/weights.ts'
import { startOutside } from '../../standins/outside-stand-in.ts'
import { inOrder } from '../in-order.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 1_500_000, hookTimeout: 240_000 })

describe.runIf(chosen('cvplus'))('cvplus, from start to retired', () => {
  let migration: Migration
  let outside: Awaited<ReturnType<typeof startOutside>>

  inOrder()
  beforeAll(async () => {
    migration = await Migration.create({
      name: 'cvplus',
      clock: 86_400,
      // A tenth of a service's users is to be more than chance.
      rate: 400,
      paths: [
        '/cv-analyzer/cvs/1',
        '/improvement-orchestrator/jobs/none',
        '/cache-manager/entries/some',
        '/recommendation-generator/for/7',
        '/circuit-breaker/circuits/some',
        '/recommendation-orchestrator/jobs/none',
        '/action-orchestrator/actions/none',
      ],
    })
    outside = await startOutside(migration.stack.port + 19)
    migration.beside(outside.close)
    await migration.deploy()
  })
  afterAll(() => migration?.close())

  it('holds while a system outside is ill, and goes on when it is well', async () => {
    outside.ill.add('redis')
    const { stack } = migration
    stack.set({ step: 'cv-analyzer@10' })
    await stack.until('redis to hold', async () =>
      (await stack.held('cv-analyzer@10')).some(({ place }) => place === 'external.redis'),
    )
    outside.ill.clear()
    await migration.goTo('cv-analyzer@10', 'start', 180)
    expect(await stack.green('cv-analyzer')).toBe(10)
  })

  it('moves the low-risk services, then notes a checkpoint', async () => {
    await migration.goTo('cache-manager@10', 'cv-analyzer@10', 180)
    const journal = await migration.stack.platform.observe()
    expect(JSON.stringify(journal.journal)).toContain('"phase":"low"')
  })

  it('writes to the cache go to both sides while it moves', async () => {
    const { stack } = migration
    for (let n = 0; n < 20; n++) {
      const response = await fetch(`${stack.url}/cache-manager/entries/dual-${n}`, {
        method: 'PUT',
        headers: { 'x-user-id': `user-${n}` },
        body: JSON.stringify({ value: `v${n}` }),
      })
      expect(response.status).toBe(200)
    }
    const written = async (database: string) =>
      stack.sql(
        database,
        "select key, value from cache_entries where key like 'dual-%' order by key",
      )
    await stack.until('both sides to have them', async () => {
      const [functions, packages] = [await written('cvplus'), await written('cvplus_packages')]
      return functions.length === 20 && JSON.stringify(functions) === JSON.stringify(packages)
    })
    await migration.goTo('recommendation-generator@10', 'cache-manager@10', 180)
    await migration.goTo('circuit-breaker@10', 'recommendation-generator@10', 180)
  })

  it('moves the critical services, until everything is on green', async () => {
    await migration.goTo('action-orchestrator@100', 'circuit-breaker@10', 180)
    const weights = await migration.stack.platform.readWeights()
    expect(Object.keys(weights).map((service) => greenOf(weights, service))).toEqual(
      Array(7).fill(100),
    )
  })

  it('sends a health report every five minutes, with each service and its trend', async () => {
    const { stack, news } = migration
    const last = () => news.findLast((text) => /recommendation: /.test(text)) ?? ''
    await stack.until('a report of all that is on green', () =>
      /action-orchestrator: green 100%, .*p95 \S+ \((steady|up|down)/.test(last()),
    )
  })

  it('is released and retired, and lost no request', async () => {
    await migration.goTo('retired', 'action-orchestrator@100', 180)
    const stats = await migration.load.stop()
    expect(stats.failures).toEqual([])
    expect(stats.answered).toBe(stats.sent)
  })
})
