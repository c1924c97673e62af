import { describe, expect, it } from 'vitest'
import {
  allBlue,
  anyGreen,
  describeChange,
  greenOf,
  lower,
  rising,
  sameWeights,
  split,
} from '../../rollout/weights.ts'

const at = (api: number, web = 0) => ({ api: split(api), web: split(web) })

describe('weights', () => {
  it('sum to 100', () => {
    for (const green of [0, 1, 33, 99.5, 100]) {
      const weights = split(green)
      expect(weights.blue + weights.green).toBe(100)
    }
  })

  it('outside of 0 to 100 are an error with the number', () => {
    for (const green of [-1, 100.1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => split(green)).toThrow(`green ${green} is not within 0 to 100`)
    }
  })

  it('of a service that is not there give green nothing', () => {
    expect(greenOf({}, 'api')).toBe(0)
    expect(sameWeights({}, at(0))).toBe(true)
    expect(rising({}, at(5))).toEqual(['api'])
    expect(rising(at(5), {})).toEqual([])
  })

  it('rise where any green is above', () => {
    expect(rising(at(5, 10), at(10, 5))).toEqual(['api'])
    expect(rising(at(5, 10), at(5, 10))).toEqual([])
  })

  it('are taken at the lower of two, service by service', () => {
    expect(lower(at(5, 50), at(10, 20))).toEqual(at(5, 20))
    expect(lower(at(5, 50), {})).toEqual(at(0, 0))
  })

  it('are all blue where no green has any', () => {
    expect(anyGreen(allBlue(['api', 'web']))).toBe(false)
    expect(anyGreen(at(0, 1))).toBe(true)
  })

  it('are told by what changes, or as they are', () => {
    expect(describeChange(at(10, 5), at(25, 5))).toBe('api: blue 90 → 75, green 10 → 25')
    expect(describeChange(at(10, 5), at(10, 5))).toBe(
      'api: blue 90, green 10; web: blue 95, green 5',
    )
  })
})
