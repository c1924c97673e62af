import { greenOf } from '../../rollout/weights.ts'
import type { TestStack } from './test-stack.ts'

/** Green's live weight, looked at all the time. */
export interface Watch {
  /** The most that was seen since the last call of this. */
  highest(): number
  stop(): Promise<void>
}

/** Asks the router for green's weight again and again; what it does not answer counts for nothing. */
export function watchGreen(stack: TestStack): Watch {
  let highest = 0
  let going = true
  const look = async () => {
    const weights = await stack.platform.readWeights().catch(() => undefined)
    if (weights) highest = Math.max(highest, greenOf(weights, 'huntred'))
  }
  const looking = (async () => {
    while (going) {
      await look()
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
  })()
  return {
    highest: () => {
      const seen = highest
      highest = 0
      return seen
    },
    stop: async () => {
      going = false
      await looking
    },
  }
}
