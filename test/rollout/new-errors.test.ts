import { describe, expect, it } from 'vitest'
import { errorTypes, firstStepAt, judgeNewErrors } from '../../rollout/new-errors.ts'

const PATTERN = /ERROR ([A-Za-z]+)/

describe('the types of error in a log', () => {
  it('are the first group of the pattern, counted, or the whole match where it has none', () => {
    const lines = ['ERROR Timeout after 3 s', 'all is well', 'x ERROR Timeout', 'ERROR NoSuchUser']
    expect(errorTypes(lines, PATTERN)).toEqual(
      new Map([
        ['Timeout', 2],
        ['NoSuchUser', 1],
      ]),
    )
    expect(errorTypes(['a FATAL b', 'FATAL'], /FATAL/g)).toEqual(new Map([['FATAL', 2]]))
  })

  it('are those since a moment, where a line says when it was written', () => {
    const lines = [
      '2026-11-21_11:59:59.99999 ERROR Old',
      '2026-11-21_12:00:00.00001 ERROR New',
      'ERROR Unknown',
    ]
    const since = new Date('2026-11-21T12:00:00Z')
    expect([...errorTypes(lines, PATTERN, { since }).keys()]).toEqual(['New', 'Unknown'])
    expect([...errorTypes(lines, PATTERN, { before: since }).keys()]).toEqual(['Old'])
  })
})

describe('a type of error', () => {
  it('fails where blue never had it, and passes where it had', () => {
    const blue = new Map([['Timeout', 1]])
    expect(judgeNewErrors(new Map([['Timeout', 90]]), blue).result).toBe('passed')
    expect(judgeNewErrors(new Map(), blue).result).toBe('passed')
    const green = new Map([
      ['Timeout', 1],
      ['Leak', 2],
      ['Panic', 5],
    ])
    expect(judgeNewErrors(green, blue)).toEqual({
      result: 'failed',
      reason: "green's log has what blue's never had: Panic (5 times); Leak (2 times)",
    })
  })
})

describe('the first step of a rollout', () => {
  it('is the first rise after the last deployment', () => {
    const event = (kind: string, second: number, to?: number) => ({
      kind,
      at: `2026-11-21T12:00:0${second}.000Z`,
      details: { to },
    })
    const events = [
      event('deployed', 0),
      event('weights', 1, 5),
      event('deployed', 2),
      event('weights', 3, 0),
      event('weights', 4, 5),
      event('weights', 5, 25),
    ]
    expect(firstStepAt(events)).toEqual(new Date('2026-11-21T12:00:04Z'))
    expect(firstStepAt([])).toBeUndefined()
  })

  it('are of green from when the change of weights began, and not from when it was told', () => {
    const details = { from: 0, to: 50, begun: '2026-11-21T12:00:03.500Z' }
    const told = { at: '2026-11-21T12:00:04Z', kind: 'weights', details }
    expect(firstStepAt([told])).toEqual(new Date('2026-11-21T12:00:03.500Z'))
  })
})
