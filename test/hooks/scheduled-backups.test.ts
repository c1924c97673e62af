import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { ScheduledBackups } from '../../hooks/scheduled-backups.ts'
import { World } from '../../hooks/world.ts'
import { planSchema } from '../../rollout/plan.ts'

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'shop',
  services: { api: { blue: { url }, green: { url } } },
  steps: [100],
  backups: { orders: { postgres: 'env:A', priority: 'critical' } },
})

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'Date'] })
})
afterEach(() => {
  vi.useRealTimers()
})

it('a backup that fails is tried again soon, then less often; people hear of the second failure', async () => {
  const world = new World({ plan, planHash: '', clock: 1 })
  world.journal = { backups: [] } as unknown as NonNullable<World['journal']>
  const told: string[] = []
  let tries = 0
  const scheduled = new ScheduledBackups({
    world,
    takeBackup: async () => {
      tries += 1
      throw new Error('the archive is not on yet')
    },
    operations: {
      recordBackup: async () => {},
      record: async ({ message }) => void told.push(message),
    },
  })
  const after = async (ms: number) => {
    vi.advanceTimersByTime(ms)
    scheduled.consider()
    await new Promise((resolve) => setImmediate(resolve))
    return [tries, told.length]
  }
  expect(await after(1)).toEqual([1, 0])
  expect(await after(9_999)).toEqual([1, 0])
  expect(await after(1)).toEqual([2, 1])
  expect(await after(10_000)).toEqual([2, 1])
  expect(await after(10_000)).toEqual([3, 2])
  expect(told[0]).toContain('the archive is not on yet')
})
