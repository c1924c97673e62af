import { readFileSync } from 'node:fs'
import { fetchFailure } from '../platforms/hook-answer.ts'
import { type Layout, portsOf } from '../platforms/local/layout.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { Measurement } from '../rollout/journal.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'

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
  layout: Layout,
  plan: Plan,
  timeoutMs = 2_000,
): Promise<HookStatus | { unavailable: string }> {
  const url = `http://127.0.0.1:${portsOf(plan).hook}/v1/status`
  try {
    const token = readFileSync(layout.hook.token, 'utf8').trim()
    const answer = await fetch(url, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(timeoutMs),
    })
    if (!answer.ok) return { unavailable: `${url} answers ${answer.status}` }
    return (await answer.json()) as HookStatus
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const unavailable =
      code === 'ENOENT'
        ? `${layout.home} is not deployed`
        : `the hook does not answer on ${url} (${fetchFailure(error)})`
    return { unavailable }
  }
}
