import { readArchiveState } from '../platforms/local/archive-state.ts'
import { type ArchiveHealth, archiveHealth, archivingOf } from '../rollout/archiving.ts'
import type { OpenStack } from './stack.ts'

/** How the continuous archive stands; undefined where the plan asks for none. */
export async function readArchiveHealth({
  plan,
  layout,
  settings,
}: Pick<OpenStack, 'plan' | 'layout' | 'settings'>): Promise<
  ArchiveHealth | { unavailable: string } | undefined
> {
  if (!archivingOf(plan, settings.clock)) return undefined
  try {
    const state = await readArchiveState(layout)
    if (state) return archiveHealth(state, Date.now())
    return { unavailable: 'the supervised PostgreSQL is not archived yet; type: pulumi up' }
  } catch (error) {
    return { unavailable: (error as Error).message }
  }
}
