import { describe, expect, it } from 'vitest'
import {
  type ArchiveState,
  archiveHealth,
  archivingOf,
  archivingProblems,
  baseDue,
} from '../../rollout/archiving.ts'
import { planSchema } from '../../rollout/plan.ts'

const url = 'http://127.0.0.1:9001'
const planOf = (backups: object, databases: object = { orders: 'ORDERS_URL' }) =>
  planSchema.parse({
    name: 'shop',
    services: { api: { blue: { url }, green: { url } } },
    steps: [100],
    backups,
    local: { postgres: { databases } },
  })
const critical = (postgres: string) => ({ postgres, priority: 'critical' })
const NOW = Date.parse('2027-03-01T12:00:00Z')
const MB = 1_048_576
const well: ArchiveState = {
  from: NOW - 7_200_000,
  newestBase: NOW - 3_600_000,
  archivedAt: NOW - 8_000,
  waiting: 0,
  limit: 1_024 * MB,
}
const failure = { at: '2027-03-01T11:58:00Z', said: 'Permission denied' }

describe('a plan is archived', () => {
  it('where something critical is in its own cluster, within a minute of its clock', () => {
    expect(archivingOf(planOf({ orders: critical('env:ORDERS_URL') }), 1)).toEqual({
      timeoutSeconds: 60,
    })
    expect(archivingOf(planOf({ orders: critical('env:ORDERS_URL') }), 1_000)).toEqual({
      timeoutSeconds: 10,
    })
    expect(archivingOf(planOf({ orders: { postgres: 'env:ORDERS_URL' } }), 1)).toBeUndefined()
    expect(archivingOf(planOf({ orders: critical('env:OTHER_URL') }), 1)).toBeUndefined()
  })

  it('and what is critical on another server is named, with what to do', () => {
    expect(archivingProblems(planOf({ orders: critical('env:ORDERS_URL') }))).toEqual([])
    expect(archivingProblems(planOf({ people: critical('env:PEOPLE_URL') }))).toEqual([
      "plan.backups.people.priority: critical asks for continuous archiving, but env:PEOPLE_URL is no database of local.postgres, and the WAL of another server cannot be archived from here; give priority: high, and archive it by that server's own means, or name it under local.postgres.databases",
    ])
  })
})

describe('an archive', () => {
  it('says which moments can be restored', () => {
    expect(archiveHealth(well, NOW)).toEqual({
      state: 'well',
      text: 'every moment from 2027-03-01T10:00:00.000Z to 2027-03-01T11:59:52.000Z (8s ago) can be restored',
    })
    const { from, newestBase, ...none } = well
    expect(archiveHealth(none, NOW).state).toBe('beginning')
  })

  it('that fails says why, since when, what waits, and when the database goes on without it', () => {
    const { state, text } = archiveHealth({ ...well, waiting: 48 * MB, failure }, NOW)
    expect(state).toBe('failing')
    expect(text).toContain(
      'fails since 2027-03-01T11:58:00Z: Permission denied; 48 MB of WAL wait, at most 1024 MB, then WAL is given up, and the database goes on',
    )
  })

  it('from which WAL was given up restores nothing until a new base backup is taken', () => {
    const { from, newestBase, ...rest } = well
    const broken = { ...rest, givenUpAt: '2027-03-01T11:59:00Z' }
    expect(archiveHealth(broken, NOW)).toMatchObject({
      state: 'broken',
      text: expect.stringContaining('no moment can be restored until a new base backup is taken'),
    })
    expect(archiveHealth({ ...broken, failure }, NOW).text).toContain('Permission denied')
    expect(baseDue(broken, 1, NOW)).toBe(true)
  })

  it('gets a base backup by the day of the clock, and not below ten minutes', () => {
    expect(baseDue(well, 1, NOW)).toBe(false)
    expect(baseDue(well, 1, NOW + 86_400_000)).toBe(true)
    expect(baseDue({ ...well, newestBase: NOW - 599_000 }, 100_000, NOW)).toBe(false)
    expect(baseDue({ ...well, newestBase: NOW - 600_000 }, 100_000, NOW)).toBe(true)
  })
})
