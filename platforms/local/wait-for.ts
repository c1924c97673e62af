import { setTimeout as delay } from 'node:timers/promises'
import { formatDuration } from '../../rollout/duration.ts'

export interface Wait {
  timeoutMs: number
  /** What is waited for, as it follows "waited for". */
  what: string
  /** Default 20 ms. */
  everyMs?: number
  signal?: AbortSignal
}

/**
 * Waits until a condition gives something true, and returns that. A condition that throws is not
 * met yet; what it threw last stands in the error of a wait that was in vain.
 * @throws Error after `timeoutMs`; what the signal says when it aborts
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs, what, everyMs = 20, signal }: Wait,
): Promise<NonNullable<T>> {
  const end = performance.now() + timeoutMs
  let reason = ''
  for (;;) {
    signal?.throwIfAborted()
    try {
      const met = await condition()
      if (met) return met
      reason = ''
    } catch (error) {
      reason = ` (${error instanceof Error ? error.message : String(error)})`
    }
    if (performance.now() >= end) {
      throw new Error(`waited ${formatDuration(timeoutMs)} for ${what}, in vain${reason}`)
    }
    await delay(everyMs, undefined, { signal })
  }
}
