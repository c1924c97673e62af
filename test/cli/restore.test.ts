import { describe, expect, it } from 'vitest'
import { momentOf } from '../../cli/restore.ts'

const NOW = Date.parse('2027-03-01T12:00:00Z')

describe('restore --to', () => {
  it('takes a time with its zone, or latest', () => {
    expect(momentOf('latest', NOW)).toBe('latest')
    expect(momentOf('2027-03-01T11:59:59.250Z', NOW)).toEqual(new Date(NOW - 750))
    expect(momentOf('2027-03-01T12:30:00+01:00', NOW)).toEqual(new Date(NOW - 1_800_000))
  })

  it('refuses what leaves the zone open, is no time, or has not been yet', () => {
    for (const text of ['2027-03-01T11:00:00', 'yesterday', '2027-03-01', '2027-13-01T11:00:00Z']) {
      expect(() => momentOf(text, NOW), text).toThrow('is no moment; give a time with its zone')
    }
    expect(() => momentOf('2027-03-01T12:00:01Z', NOW)).toThrow('has not been yet')
  })
})
