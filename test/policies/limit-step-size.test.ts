import { describe, expect, it } from 'vitest'
import { tooLargeSteps } from '../../policies/limit-step-size.ts'
import { split } from '../../rollout/weights.ts'
import { compliantStack } from './compliant.ts'

describe('limit-step-size', () => {
  it('finds nothing wrong with a compliant step', async () => {
    const { admission } = await compliantStack()
    expect(tooLargeSteps(admission)).toEqual([])
  })

  it('allows exactly 50 points where nothing is configured, and no more', () => {
    const previous = { api: split(25) }
    expect(tooLargeSteps({ previous, weights: { api: split(75) } })).toEqual([])
    expect(tooLargeSteps({ previous, weights: { api: split(76) } })).toEqual([
      'api: blue 75 → 24, green 25 → 76: green rises by 51 points, and at most 50 are allowed in one step; give the plan a step between',
    ])
  })

  it('holds each service against the configured number of points', () => {
    const previous = { api: split(0), web: split(10) }
    const weights = { api: split(11), web: split(20) }
    expect(tooLargeSteps({ previous, weights }, 10)).toHaveLength(1)
  })

  it('counts a service that had no weights before as one that had no green', () => {
    expect(tooLargeSteps({ previous: {}, weights: { api: split(100) } })).toHaveLength(1)
  })

  it('never holds a fall, however large', () => {
    expect(tooLargeSteps({ previous: { api: split(100) }, weights: { api: split(0) } }, 1)).toEqual(
      [],
    )
  })
})
