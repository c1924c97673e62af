import { describe, expect, it } from 'vitest'
import { evaluate, type Judge, type Series, stateOf } from './aws/alarm-math.ts'

const series = (values: Record<number, number>): Series =>
  new Map(Object.entries(values).map(([time, value]) => [Number(time), value]))
const values = (result: Series) => Object.fromEntries([...result].sort(([a], [b]) => a - b))

describe('metric math of the stand-in', () => {
  it('divides and compares datapoint by datapoint, and knows IF and FILL', () => {
    const given = { r: series({ 1: 100, 2: 10, 3: 100 }), e: series({ 1: 5, 2: 9 }) }
    const expression = 'IF(r>=20,100*FILL(e,0)/r,0)'
    expect(values(evaluate(expression, given, [1, 2, 3]))).toEqual({ 1: 5, 2: 0, 3: 0 })
  })

  it('has no datapoint where a series that is not filled has none', () => {
    const given = { r: series({ 1: 100 }), e: series({ 1: 5, 2: 7 }) }
    expect(values(evaluate('100*e/r', given, [1, 2]))).toEqual({ 1: 5 })
  })

  it('fills with what came last where REPEAT is asked for', () => {
    const given = { p: series({ 1: 0.2, 2: 0.3 }), base: series({ 1: 0.1 }) }
    const expression = 'p-IF(2*FILL(base,REPEAT)>0.01,2*FILL(base,REPEAT),0.01)'
    const found = evaluate(expression, given, [1, 2])
    expect(found.get(1)).toBeCloseTo(0)
    expect(found.get(2)).toBeCloseTo(0.1)
  })

  it('binds AND weaker than a comparison', () => {
    const given = { a: series({ 1: 5 }), b: series({ 1: 1 }) }
    expect(values(evaluate('IF(a>=5 AND b>=2,1,0)', given, [1]))).toEqual({ 1: 0 })
    expect(values(evaluate('IF(a>=5 AND b>=1,1,0)', given, [1]))).toEqual({ 1: 1 })
  })

  it('guesses nothing: what it does not know is an error', () => {
    expect(() => evaluate('ANOMALY_DETECTION_BAND(a)', { a: series({}) }, [1])).toThrow(/not known/)
    expect(() => evaluate('a+b', { a: series({}) }, [1])).toThrow(/no series b/)
    expect(() => evaluate('a[0]', { a: series({}) }, [1])).toThrow(/does not know/)
  })
})

describe('the state of an alarm in the stand-in', () => {
  const judge = (over: Partial<Judge> = {}): Judge => ({
    comparison: 'GreaterThanThreshold',
    threshold: 5,
    evaluationPeriods: 2,
    datapointsToAlarm: 1,
    treatMissingData: 'notBreaching',
    ...over,
  })

  it.each([
    ['one of two breaches', {}, [1, 9], 'ALARM'],
    ['none does', {}, [1, 2], 'OK'],
    ['equal is not above', {}, [5, 5], 'OK'],
    ['two of two are asked for, one breaches', { datapointsToAlarm: 2 }, [9, 1], 'OK'],
    [
      'a hole is skipped for an older datapoint',
      { datapointsToAlarm: 2 },
      [9, undefined, 9],
      'ALARM',
    ],
    ['nothing is there and missing does not breach', {}, [undefined, undefined], 'OK'],
    ['nothing is there and missing breaches', { treatMissingData: 'breaching' }, [], 'ALARM'],
    [
      'nothing is there and missing is missing',
      { treatMissingData: 'missing' },
      [],
      'INSUFFICIENT_DATA',
    ],
    ['nothing is there and missing is ignored', { treatMissingData: 'ignore' }, [], 'ALARM'],
  ] as const)('%s', (_what, over, newestFirst, state) => {
    expect(stateOf(judge(over), newestFirst, 'ALARM')).toBe(state)
  })
})
