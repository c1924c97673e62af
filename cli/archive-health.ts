import { readArchiveState } from '../platforms/local/archive-state.ts'
import { type ArchiveHealth, archiveHealth, archivingOf } from '../rollout/archiving.ts'
import type { OpenStack } from './stack.ts'

/** How the continuous archive stands; undefined where the plan asks for none. */
export async function readArchiveHealth(
  stack: Pick<OpenStack, 'plan' | 'layout' | 'settings'>,
): Promise<ArchiveHealth | { unavailable: string } | undefined> {
  const { plan, settings } = stack
  // Only the local platform supervises a server whose log it could keep.
  if (settings.platform.kind !== 'local' || !archivingOf(plan, settings.clock)) return undefined
  try {
    const state = await readArchiveState(stack.layout)
    if (state) return archiveHealth(state, Date.now())
    return { unavailable: 'the supervised PostgreSQL is not archived yet; type: pulumi up' }
  } catch (error) {
    return { unavailable: (error as Error).message }
  }
}
