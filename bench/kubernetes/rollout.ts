import { setTimeout as pause } from 'node:timers/promises'
import { Refused, Unavailable } from '../../platforms/platform.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { BedCluster } from '../../test/beds/kubernetes/cluster.ts'
import { BACKUP } from '../../test/contracts/contract.ts'
import { type KubernetesBed, openKubernetesBed } from '../../test/contracts/kubernetes-bed.ts'

const LOOK_EVERY_MS = 100
const LONGEST_MS = 60_000

/** What the figures were measured on, in words. */
export const BED =
  "the tests' cluster: a real API server, real controllers and Traefik's Gateway, its throttle at 10 ms, all on this machine with pods as processes"

/** A rollout that stands at `start` in a cluster of its own. */
export async function deployed(changes: Partial<PlanInput>): Promise<KubernetesBed> {
  const bed = await openKubernetesBed(await BedCluster.start(), changes)
  try {
    await move(bed, 'start', 1, true)
    await bed.platform.backup(BACKUP, bed.plan, () => {})
    return bed
  } catch (error) {
    await bed.teardown()
    throw error
  }
}

/**
 * Moves it as the provider does, without an engine in between, once nothing holds the move.
 * @param attempt raised by one it acknowledges the last trip
 * @returns ms from the first write of a weight to all of them seen at the gateway
 */
export async function move(
  { platform, plan, planHash, clock }: KubernetesBed,
  position: string,
  attempt = 1,
  first = false,
): Promise<number> {
  const request = { plan, planHash, position, attempt, confirmed: [], clock }
  for (const until = performance.now() + LONGEST_MS; ; await pause(LOOK_EVERY_MS)) {
    try {
      const admission = await platform.admit(request, first ? undefined : Math.max(1, attempt - 1))
      const since = performance.now()
      for (const [service, weights] of Object.entries(admission.permitted)) {
        await platform.setWeights(service, weights)
      }
      const took = performance.now() - since
      await platform.verify(request)
      return took
    } catch (error) {
      const waits =
        error instanceof Unavailable || (error instanceof Refused && error.refusals.length > 0)
      if (!waits || performance.now() > until) throw error
    }
  }
}
