import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { readEvents } from '../../platforms/local/file-store.ts'
import { serviceStatus } from '../../platforms/local/supervisor.ts'
import { journalOf } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { inOrder } from './in-order.ts'
import { TestStack } from './test-stack.ts'

describe('continuous archiving on the real engine', () => {
  let stack: TestStack
  let plain: PlanInput
  let load: Load

  const critical = (postgres: string): PlanInput => ({
    ...plain,
    backups: { huntred: { postgres, priority: 'critical', before: 'every-step' } },
  })

  inOrder()
  beforeAll(async () => {
    stack = await TestStack.create((plan) => {
      plain = plan
      return plan
    })
    const { code, output } = await stack.set({ step: 'start' }).up()
    if (code !== 0) throw new Error(output)
    load = startLoad({ url: stack.url, rate: 50, seconds: 900, paths: ['/api/me'] })
  })
  afterAll(async () => {
    await load?.stop()
    await stack?.close()
  })

  it('of a database elsewhere is refused by name in the preview', async () => {
    await stack.writePlan(critical('env:ELSEWHERE_URL'))
    const { code, output } = await stack.preview()
    expect(code).not.toBe(0)
    expect(output.replaceAll(/\s+/g, ' ')).toContain(
      'env:ELSEWHERE_URL is no database of local.postgres',
    )
    expect(output).toContain('priority: high')
  })

  it('is turned on by an update of a stack that has traffic, and nothing is restarted', async () => {
    const before = await serviceStatus(stack.layout, 'postgres')
    await stack.writePlan(critical('env:HUNTRED_URL'))
    const { code, output } = await stack.up()
    expect(output).not.toContain('error:')
    expect(code).toBe(0)
    expect(await serviceStatus(stack.layout, 'postgres')).toMatchObject({ pid: before.pid })
    // The hook takes the base backup and the first proof by itself.
    const proven = async () => {
      const journal = journalOf(await stack.platform.observe())
      return journal?.backups.some(({ restorable }) => restorable !== undefined) ?? false
    }
    await stack.until('the first proof of the archive', proven, 180).catch((error: Error) => {
      const told = readEvents(stack.layout, 20).map(({ message }) => message)
      throw new Error([error.message, ...told].join('\n'))
    })
  }, 300_000)

  it('stands before a step, and in the status', async () => {
    const { code, output } = await stack.step('huntred@5', 120)
    expect(output).not.toContain('error:')
    expect(code).toBe(0)
    const status = await stack.run('sluice', 'status', '-s', 'e2e')
    expect(status.output).toMatch(/archive +well: every moment from \d{4}-/)
    const doctor = await stack.run('sluice', 'doctor', '-s', 'e2e')
    expect(doctor.output).toMatch(/archive +every moment from \d{4}-/)
  })

  it('restores the latest into a new database', async () => {
    const args = ['restore', 'huntred', '--to', 'latest', '--into', 'copy', '-s', 'e2e']
    const { code, output } = await stack.run('sluice', ...args)
    expect(output).toContain('huntred stands verified in the database copy')
    expect(code).toBe(0)
    const { failed } = await load.stop()
    expect(failed).toBe(0)
  })
})
