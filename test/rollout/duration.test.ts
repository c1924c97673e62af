import { describe, expect, it } from 'vitest'
import { durationSchema, formatDuration, parseDuration } from '../../rollout/duration.ts'

describe('a duration', () => {
  it.each([
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['2m', 120_000],
    ['1.5h', 5_400_000],
    ['24h', 86_400_000],
    ['30d', 2_592_000_000],
    ['1w', 604_800_000],
  ])('of %s is %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
    expect(durationSchema.parse(text)).toBe(ms)
  })

  it.each(['', '5', 's', '-1s', '1 h', '1H', '1y', '1h30m', '.5s', '1.s', ' 1s', '1s\n', '1e3s'])(
    'is not %j',
    (text) => {
      expect(parseDuration(text)).toBeUndefined()
    },
  )

  it('of more than ten years is none', () => {
    expect(durationSchema.safeParse('3650d').success).toBe(true)
    expect(durationSchema.safeParse('3651d').success).toBe(false)
    expect(durationSchema.safeParse(`${'9'.repeat(400)}w`).success).toBe(false)
  })

  it.each([
    [0, '0ms'],
    [999, '999ms'],
    [1_000, '1s'],
    [90_000, '1.5m'],
    [100_000, '100s'],
    [5_400_000, '1.5h'],
    [86_400_000, '1d'],
    [604_800_000, '1w'],
  ])('of %d ms is written %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text)
  })
})
