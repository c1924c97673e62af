import { expect, test } from 'vitest'
import { backupsDueByPriority } from '../../rollout/backup-schedule.ts'
import { planSchema } from '../../rollout/plan.ts'

const url = 'http://127.0.0.1:9001'
const { backups } = planSchema.parse({
  name: 'shop',
  services: { api: { blue: { url }, green: { url } } },
  steps: [100],
  backups: {
    orders: { postgres: 'env:A', tables: ['orders'], priority: 'critical' },
    people: { postgres: 'env:A', priority: 'high' },
    views: { postgres: 'env:A', priority: 'medium' },
    rest: { postgres: 'env:A' },
  },
})
const NOW = Date.parse('2026-05-01T12:00:00.000Z')
const due = (ages: Record<string, number>, clock = 1) => {
  const records = Object.entries(ages).map(([name, age]) => {
    const takenAt = new Date(NOW - age * 1_000).toISOString()
    return { name, takenAt, verifiedAt: takenAt }
  })
  return backupsDueByPriority({ backups }, records, clock, new Date(NOW).toISOString())
}

test('what was never taken is due, and what has no priority only before steps', () => {
  expect(due({})).toEqual(['orders', 'people', 'views'])
})

test('critical and high data are proven by the hour, medium by the day', () => {
  expect(due({ orders: 61, people: 61, views: 61 })).toEqual([])
  expect(due({ orders: 3_600, people: 61, views: 61 })).toEqual(['orders'])
  expect(due({ orders: 5, people: 3_600, views: 3_600 })).toEqual(['people'])
  expect(due({ orders: 5, people: 5, views: 86_400 })).toEqual(['views'])
})

test('a faster clock comes sooner, and not below ten seconds', () => {
  expect(due({ orders: 9, people: 9, views: 9 }, 100_000)).toEqual([])
  expect(due({ orders: 35, people: 36, views: 36 }, 100)).toEqual(['people'])
  expect(due({ orders: 10, people: 9, views: 9 }, 100_000)).toEqual(['orders'])
})

test('one from the future says nothing', () => {
  expect(due({ orders: -60, people: 5, views: 5 })).toEqual(['orders'])
})
