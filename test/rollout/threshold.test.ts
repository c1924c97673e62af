import { describe, expect, it } from 'vitest'
import { formatThreshold, parseThreshold, shareSchema } from '../../rollout/threshold.ts'

describe('a threshold', () => {
  it.each([
    ['5%', { kind: 'absolute', value: 0.05, unit: 'ratio' }, '5%'],
    ['0.1%', { kind: 'absolute', value: 0.001, unit: 'ratio' }, '0.1%'],
    ['150ms', { kind: 'absolute', value: 0.15, unit: 'seconds' }, '150ms'],
    ['2s', { kind: 'absolute', value: 2, unit: 'seconds' }, '2s'],
    [0.9, { kind: 'absolute', value: 0.9, unit: 'number' }, '0.9'],
    ['2x baseline', { kind: 'baseline', factor: 2 }, '2x baseline'],
    ['60% of baseline', { kind: 'baseline', factor: 0.6 }, '0.6x baseline'],
    ['110% of blue', { kind: 'blue', factor: 1.1 }, '110% of blue'],
    ['1.5x blue', { kind: 'blue', factor: 1.5 }, '150% of blue'],
  ])('of %j is read, and written as the plan would', (text, threshold, written) => {
    const read = parseThreshold(text)
    expect(read).toEqual(threshold)
    expect(read && formatThreshold(read)).toBe(written)
    expect(read && parseThreshold(typeof text === 'number' ? text : written)).toEqual(threshold)
  })

  it.each([
    '',
    '5',
    '5 %',
    '-5%',
    '2x',
    '2x green',
    'baseline',
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ])('is not %j', (text) => {
    expect(parseThreshold(text)).toBeUndefined()
  })
})

describe('a share', () => {
  it('is a ratio from 0 to 1', () => {
    expect(shareSchema.parse('99.5%')).toBe(0.995)
    for (const wrong of ['100.1%', '-1%', '1', 1, '']) {
      expect(shareSchema.safeParse(wrong).success).toBe(false)
    }
  })
})
