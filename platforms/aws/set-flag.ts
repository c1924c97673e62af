import type { AppConfigClient } from '@aws-sdk/client-appconfig'
import { flagShares, flagStateOf, percentOf, removedFlags } from '../../rollout/flag-file.ts'
import { heldAgainst } from '../../rollout/limits.ts'
import type { Operations } from '../operations.ts'
import { type FlagReport, Refused } from '../platform.ts'
import type { Router } from '../router.ts'
import type { Store } from '../store.ts'
import { deployFlags } from './flags.ts'
import type { AwsFlags } from './layout.ts'

export interface FlagParts {
  store: Store
  router: Router
  operations: Pick<Operations, 'setFlag'>
  appconfig: AppConfigClient
  /** Absent where nothing that has flags is deployed. */
  place: AwsFlags | undefined
}

/**
 * Sets a flag for a person and deploys it at once, with the person's own credentials.
 * @throws Refused for a flag that what is deployed has not
 */
export async function setFlagFor(
  { store, router, operations, appconfig, place }: FlagParts,
  { flag, on, by }: { flag: string; on: boolean; by: string },
): Promise<FlagReport> {
  const started = performance.now()
  const journal = await store.readJournal()
  if (!journal || !place || !Object.hasOwn(journal.plan.flags, flag)) {
    const known = Object.keys(journal?.plan.flags ?? {}).join(', ') || 'none'
    throw new Refused(`"${flag}" is no flag of what is deployed; it has ${known}`)
  }
  const { plan } = journal
  if (removedFlags(plan, journal).includes(flag)) {
    throw new Refused(`the flag ${flag} was removed with the code that read it`)
  }
  await operations.setFlag(flag, on, `by ${by}`)
  const state = await deployFlags(appconfig, place, async () => {
    const [weights, latch] = [await router.read(), await store.readLatch()]
    return flagStateOf(plan, weights, latch, await store.readJournal())
  })
  const tookMs = Math.round(performance.now() - started)
  const share = state && flagShares(state)[flag]
  const percent = share ? percentOf(share) : 0
  return { flag, on, percent, tookMs, limits: heldAgainst(plan, 'flag', tookMs) }
}
