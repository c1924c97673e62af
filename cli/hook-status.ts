import { GuardedPlatform } from '../platforms/guarded.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { Measurement } from '../rollout/journal.ts'
import type { ColourName } from '../rollout/plan.ts'
import type { OpenStack } from './stack.ts'

/** What the hook says beside the observation: traffic over the last 10 s, and its news. */
export interface HookStatus {
  measurements: Record<string, Partial<Record<ColourName, Measurement>>>
  notifications: { pending: number; failed: number; lastError?: string }
  events: RolloutEvent[]
}

/**
 * Asks the hook; the status is good without it.
 * @returns why it does not answer, where it does not
 */
export async function readHookStatus(
  { platform }: Pick<OpenStack, 'platform'>,
  timeoutMs = 2_000,
): Promise<HookStatus | { unavailable: string }> {
  if (!(platform instanceof GuardedPlatform)) return { unavailable: 'it has no hook to ask' }
  try {
    return await platform.status<HookStatus>(timeoutMs)
  } catch (error) {
    return { unavailable: (error as Error).message }
  }
}
