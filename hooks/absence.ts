import { isDisarmed, type Operations } from '../platforms/operations.ts'
import type { Router } from '../platforms/router.ts'
import { allBlue, anyGreen } from '../rollout/weights.ts'
import { AWAY_MS } from './heartbeat.ts'
import type { World } from './world.ts'

/** A router that watches its hook, and sends green's traffic to blue while the hook is away. */
export interface GuardedRouter extends Router {
  guardUp(): Promise<boolean>
  raiseGuard(): Promise<void>
}

/**
 * Decides after an absence of the hook. Was it away for so long that the router has taken green's
 * traffic, then green must not come back by itself: weight 0, the latch, and only then the guard.
 *
 * @param awayMs before it started; undefined where nobody knows
 * @param first since the hook started: a router that has just started too takes one failed check for
 *   an absence until the guard was raised
 * @param stoodMs how long it stood still since it was judged last, as far as it knows
 * @throws where the router is away: it is to be asked again
 */
export async function judgeAbsence(
  world: World,
  operations: Operations,
  router: Router,
  guarded: GuardedRouter,
  awayMs: number | undefined,
  first: boolean,
  stoodMs: number,
): Promise<void> {
  const up = await guarded.guardUp()
  const weights = await router.read()
  const long = awayMs === undefined || awayMs > AWAY_MS
  const guards = world.journal !== undefined && !isDisarmed(world.journal)
  if (guards && anyGreen(weights) && (long || !up)) {
    await router.write(allBlue(Object.keys(weights)))
    const value = long ? `away for ${spanOf(awayMs)}` : stoodFor(stoodMs)
    await operations.trip({
      cause: 'guard',
      value,
      threshold: `${AWAY_MS / 1_000} s`,
      reason: `the hook was ${value}, and green was not guarded`,
      scope: 'plan',
      pace: 'immediately',
    })
  }
  if (first || !up) await guarded.raiseGuard()
}

function spanOf(ms: number | undefined): string {
  return ms === undefined ? 'an unknown time' : `${Math.round(ms / 100) / 10} s`
}

/** The router missed it although it ran: it stood still, or was too slow for the router's checks. */
function stoodFor(ms: number): string {
  return ms > 0 ? `standing still for ${spanOf(ms)}` : 'too slow for the checks of the router'
}
