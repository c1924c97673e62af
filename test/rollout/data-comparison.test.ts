import { describe, expect, it } from 'vitest'
import {
  type Aspect,
  ageDifferences,
  compareRows,
  compareTable,
  judgeData,
  lastingDifferences,
  type TableState,
} from '../../rollout/data-comparison.ts'

const BY: Aspect[] = ['count', 'fingerprint']

function state(changes: Partial<TableState> = {}): TableState {
  return {
    rows: '3',
    fingerprint: '42',
    columns: { id: 'integer not null', name: 'text' },
    keys: ['PRIMARY KEY (id)'],
    ...changes,
  }
}
const differences = (
  blue: Partial<TableState> | undefined,
  green: Partial<TableState> | undefined,
  by = BY,
  rows?: ReturnType<typeof compareRows>,
) => compareTable('orders', blue && state(blue), green && state(green), by, rows)
const only = (found: ReturnType<typeof differences>) => {
  expect(found).toHaveLength(1)
  return found[0]!
}

describe('comparing a table of two databases', () => {
  it('finds nothing where figures and fingerprints are alike', () => {
    expect(differences({}, {})).toEqual([])
    expect(differences({}, { columns: { ...state().columns, more: 'text' } })).toEqual([])
  })

  it('calls fewer rows lost, and a table that is not there', () => {
    expect(only(differences({}, { rows: '1', fingerprint: '7' }))).toEqual({
      table: 'orders',
      what: '3 rows in blue, 1 in green: 2 lost',
      lost: true,
    })
    expect(only(differences({}, undefined)).lost).toBe(true)
    expect(only(differences({ rows: '0' }, undefined)).lost).toBe(false)
  })

  it('calls as many rows with another fingerprint changed, and more rows no loss', () => {
    expect(only(differences({}, { fingerprint: '7' }))).toMatchObject({
      what: expect.stringMatching(/3 rows in both, but fingerprint 42 in blue, 7 in green/),
      lost: false,
    })
    expect(only(differences({}, { rows: '9007199254740993' })).lost).toBe(false)
  })

  it('names the rows where they were looked at: one lost and one made up are a loss', () => {
    const rows = compareRows(
      new Map([
        ['1', 'a'],
        ['2', 'b'],
      ]),
      new Map([
        ['2', 'c'],
        ['3', 'd'],
      ]),
    )
    expect(only(differences({}, { fingerprint: '7' }, BY, rows))).toEqual({
      table: 'orders',
      what: '3 rows in blue, 3 in green: 1 lost (1), 1 changed (2), 1 only in green (3)',
      lost: true,
    })
    const none = compareRows(new Map(), new Map())
    expect(differences({}, { fingerprint: '7' }, BY, none)).toEqual([])
  })

  it('judges only what is asked for', () => {
    expect(differences({}, { fingerprint: '7' }, ['count'])).toEqual([])
    expect(differences({}, { rows: '2' }, ['schema'])).toEqual([])
  })

  it('names columns and keys that differ, and says no more of rows whose columns are gone', () => {
    const green = {
      columns: { id: 'bigint not null', since: 'date' },
      keys: [],
      fingerprint: undefined,
    }
    expect(differences({}, green, ['schema']).map(({ what }) => what)).toEqual([
      'column id is integer not null in blue, bigint not null in green',
      'column name (text) is not in green',
      'column since (date) is only in green',
      'PRIMARY KEY (id) is not in green',
    ])
    expect(only(differences({}, green)).what).toBe('columns that green has not: name')
  })
})

describe('a difference that is seen again and again', () => {
  const rows = (green: [string, string][]) =>
    compareRows(
      new Map([
        ['1', 'a'],
        ['2', 'b'],
      ]),
      new Map(green),
    )

  it('counts once it has lasted, and not while green is only behind', () => {
    const first = ageDifferences(new Map(), rows([['2', 'old']]), 0)
    // Row 1 has arrived; row 2 is as it was.
    const later = rows([
      ['1', 'a'],
      ['2', 'old'],
    ])
    const second = ageDifferences(first, later, 2_000)
    expect(lastingDifferences(later, second, 500).changed).toEqual(new Map([['2', 'b old']]))
    // It changed again: green has had no time to follow.
    const again = rows([
      ['1', 'a'],
      ['2', 'newer'],
    ])
    const third = ageDifferences(second, again, 2_500)
    expect(lastingDifferences(again, third, 1_000).changed.size).toBe(0)
    expect(lastingDifferences(again, third, 2_500).changed.size).toBe(1)
  })
})

describe('judging two databases', () => {
  it('passes, fails with every table, and marks what is lost', () => {
    expect(judgeData(['a', 'b'], [], BY)).toEqual({
      result: 'passed',
      reason: '2 tables are alike by count, fingerprint',
    })
    const changed = { table: 'a', what: 'changed', lost: false }
    expect(judgeData(['a', 'b'], [changed], BY)).toEqual({
      result: 'failed',
      reason: '1 of 2 tables differ by count, fingerprint; a: changed',
    })
    expect(judgeData(['a'], [changed, { ...changed, lost: true }], BY).lost).toBe(true)
    expect(judgeData([], [], BY).result).toBe('inconclusive')
  })
})
