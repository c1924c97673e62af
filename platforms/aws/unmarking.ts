import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../platform.ts'
import type { AlbRouter } from './router.ts'

/** How many of the hook's runs may pass. */
const RUNS = 4

/**
 * Waits until the hook has taken the mark of a latch off the rules. The deployer cannot: it is what
 * makes AWS itself deny the deployer a rise.
 */
export async function untilUnmarked(router: AlbRouter, tickMs: number): Promise<void> {
  const until = performance.now() + tickMs * RUNS
  for (;;) {
    const marked = await router.marked()
    if (marked.size === 0) return
    if (performance.now() > until) {
      throw new Unavailable(
        `the latch is off, but the hook has not taken its mark off the rules of ${[...marked].join(', ')} yet, so AWS denies every rise; next: pulumi up again, or sluice doctor`,
      )
    }
    await pause(tickMs / 20)
  }
}
