import { basename } from 'node:path'
import { FileStore } from '../../../platforms/local/file-store.ts'
import { layoutOf } from '../../../platforms/local/layout.ts'
import { findPosition, positionsOf } from '../../../rollout/positions.ts'

/** The position from which something is no longer needed. */
export type Until = 'promoted' | 'retired'

const LATE: (string | undefined)[] = ['promoted', 'released', 'retired']

/**
 * Refuses to delete what serves or guards a rollout. Blue is protected until `released`; whatever
 * has traffic is protected always. Only `retired` deletes blue, and only the explicit tear-down,
 * which names the home, deletes all.
 *
 * @param what the position from which it is no longer needed; `all` for what only a tear-down deletes
 * @throws Error with the reason and the command to use
 */
export async function mayDelete(home: string, what: Until | 'all'): Promise<void> {
  const name = basename(home)
  if (process.env['SLUICE_TEARDOWN'] === name) return
  const journal = await new FileStore(layoutOf(home)).readJournal().catch(() => undefined)
  if (!journal) return
  const position = findPosition(positionsOf(journal.plan), journal.verified.position)
  if (what === 'retired' && position?.kind === 'retired') return
  if (what === 'promoted' && LATE.includes(position?.kind)) return
  throw new Error(
    `the rollout ${name} stands at ${journal.verified.position}: ${
      what === 'all'
        ? 'it carries traffic and guards it'
        : `what this is needed for is protected until the rollout is ${what}`
    }. To tear down a test or a rehearsal, traffic and all: sluice teardown ${name}`,
  )
}
