import { deployFlags } from '../../platforms/aws/flags.ts'
import { flagStateOf } from '../../rollout/flag-file.ts'
import type { LambdaParts } from './hook.ts'

/**
 * Deploys the flags as weights, latch and journal say now, where they are not deployed so. What is not
 * deployed is tried again by the next minute's run.
 * @throws Unavailable where AppConfig does not take them
 */
export async function keepFlags({
  clients,
  layout,
  charge,
  store,
  router,
}: LambdaParts): Promise<void> {
  if (!layout.flags) return
  await deployFlags(clients.flags, layout.flags, async () => {
    const [journal, latch, weights] = await Promise.all([
      store.readJournal(),
      store.readLatch(),
      router.read(),
    ])
    return journal && flagStateOf(charge.plan, weights, latch, journal)
  })
}
