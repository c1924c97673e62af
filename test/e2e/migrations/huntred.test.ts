import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { inOrder } from '../in-order.ts'
import { chosen, Migration } from './migration.ts'

vi.setConfig({ testTimeout: 900_000, hookTimeout: 240_000 })

describe.runIf(chosen('huntred'))('huntred, from start to retired', () => {
  let migration: Migration
  const persons = (database: string) =>
    migration.stack.sql(database, 'select * from persons order by id')

  inOrder()
  beforeAll(async () => {
    migration = await Migration.create({
      name: 'huntred',
      clock: 17_280,
      // "Response Time: 8-20s → 1-3s": v2 is the faster one.
      edit: (plan) => {
        const blue = plan.services['huntred']?.blue
        if (blue === undefined || blue === 'none') throw new Error('the plan has no blue')
        blue.environment = { ...blue.environment, EXAMPLE_WORK: '120' }
        return plan
      },
      paths: ['/api/candidates/', '/api/ml/analyze/1/', '/api/proposals/12/', '/dashboard/'],
    })
    await migration.deploy()
  })
  afterAll(() => migration?.close())

  it('shows parity in each group, schemas, records and load alike before the first step', async () => {
    await migration.goTo('huntred@50', 'start', 240)
    expect(await migration.stack.green('huntred')).toBe(50)
  })

  it('keeps both systems alike while both write', async () => {
    for (let n = 0; n < 20; n++) {
      const response = await fetch(`${migration.stack.url}/api/candidates/`, {
        method: 'POST',
        headers: { 'x-user-id': `user-${n}`, 'content-type': 'application/json' },
        body: JSON.stringify({
          nombre: `New ${n}`,
          email: `new${n}@example.org`,
          business_unit: 'Amigro',
        }),
      })
      expect(response.status, await response.text()).toBe(201)
    }
    await vi.waitFor(
      async () => expect(await persons('huntred_v2')).toEqual(await persons('huntred')),
      60_000,
    )
  })

  it('reports what v2 improved over v1, in each number of the document', async () => {
    const report = await migration.report()
    for (const { title } of Object.values(migration.stack.plan.report.targets)) {
      const lines = report.split('\n').map((line) => line.trim())
      const line = lines.find((each) => each.startsWith(String(title))) ?? ''
      // What was asked for, measured, and met or missed; then blue's, and what became of it.
      expect(line).toMatch(
        / below \S+.* +[\d.]+\S* +(met|MISSED) +[\d.]+\S* +(the same|[+-][\d.]+%, (better|worse))/,
      )
    }
  })

  it('goes to retired, and lost no request', async () => {
    await migration.goTo('retired', 'huntred@50', 240)
    const stats = await migration.load.stop()
    expect(stats.failures).toEqual([])
    expect(stats.answered).toBe(stats.sent)
  })
})
