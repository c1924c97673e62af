import { describe, expect, it } from 'vitest'
import { explainedBy, targetOptions } from '../../../platforms/local/restored-cluster.ts'
import { gapsAfter, lsnValue, parseGaps, segmentNumber } from '../../../platforms/local/wal.ts'

describe('a WAL file', () => {
  it('has a number that goes on from one log to the next', () => {
    expect(segmentNumber('000000010000000000000003')).toBe(3n)
    expect(segmentNumber('0000000100000000000000FF')).toBe(255n)
    expect(segmentNumber('000000010000000100000000')).toBe(256n)
    expect(lsnValue('1/0')).toBeGreaterThan(lsnValue('0/FFFFFFFF'))
    expect(() => lsnValue('1/0; drop')).toThrow('is no place in the write-ahead log')
  })

  it('that was given up stands between a base backup before it and what came after', () => {
    const gaps = parseGaps(
      '000000010000000000000004 2027-03-01T12:00:00Z 71\nhalf a li\n000000010000000000000007 2027-03-01T12:01:00Z 71\n0000000100000000000000FF 2026-03-01T12:01:00Z 70\n',
      '71',
    )
    expect(gaps.map(({ segment }) => segment.slice(-1))).toEqual(['4', '7'])
    expect(gapsAfter(gaps, { start: '000000010000000000000005' })).toHaveLength(1)
    expect(gapsAfter(gaps, { start: '000000010000000000000008' })).toEqual([])
  })
})

describe('a restore', () => {
  it('ends before a place, at a time in UTC, or with the archive', () => {
    expect(targetOptions({ lsn: '0/30280B0' })).toContain('--target-exclusive')
    expect(targetOptions({ time: new Date('2027-03-01T12:00:00.5Z') })).toContain(
      '--target=2027-03-01 12:00:00.500+00',
    )
    expect(targetOptions('latest')).toEqual(['--type=default'])
  })

  it('that did not come to its target says how far the archive goes', () => {
    const log = `LOG:  last completed transaction was at log time 2027-03-01 11:59:58+00
FATAL:  the database system is starting up
FATAL:  recovery ended before configured recovery target was reached`
    expect(explainedBy(log, { time: new Date('2027-03-01T12:00:00Z') })).toContain(
      'does not reach 2027-03-01T12:00:00.000Z: its last transaction is of 2027-03-01 11:59:58+00',
    )
    expect(explainedBy('FATAL:  the database system is starting up', 'latest')).toBeUndefined()
    expect(explainedBy('FATAL:  disk full', 'latest')).toContain('disk full')
  })
})
