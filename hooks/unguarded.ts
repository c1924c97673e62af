import { LEASE_SECONDS } from '../platforms/kubernetes/lease.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import { formatSpan } from '../rollout/duration.ts'
import { anyGreen, describeChange, type ServiceWeights } from '../rollout/weights.ts'

/** A replica that takes over from one that died needs no longer than this: the lease, twice over. */
export const UNGUARDED_MS = 2 * LEASE_SECONDS * 1_000

/**
 * What people are told once a replica guards again and none did for a while. A gateway does not take
 * green's traffic away by itself, so green stood all the time as it stands now.
 *
 * @param vacantMs how long nobody held the lease; undefined where nobody ever did
 * @param live undefined where it cannot be read
 * @returns nothing where one replica took over from the other
 */
export function unguardedNews(
  vacantMs: number | undefined,
  live: ServiceWeights | undefined,
): Omit<RolloutEvent, 'at'> | undefined {
  if (vacantMs === undefined || vacantMs <= UNGUARDED_MS) return undefined
  const stayed = live === undefined ? '' : ` (${describeChange(live, live)})`
  return {
    kind: 'guard',
    message: `no replica of the hook guarded for ${formatSpan(vacantMs)}; green stayed where it was${stayed}, nothing could rise, and the bake does not count it; next: sluice status`,
    severity: live === undefined || anyGreen(live) ? 'critical' : 'warning',
  }
}
