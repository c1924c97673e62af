import { basename } from 'node:path'
import { FileStore } from '../../../platforms/local/file-store.ts'
import { layoutOf } from '../../../platforms/local/layout.ts'
import { findPosition, positionsOf } from '../../../rollout/positions.ts'

/**
 * Refuses to delete what serves or guards a rollout. Blue is protected until `released`; whatever
 * has traffic is protected always. Only `retired` deletes blue, and only the explicit tear-down,
 * which names the home, deletes all.
 *
 * @param what `blue` for a blue colour, which may go once the rollout is retired
 * @throws Error with the reason and the command to use
 */
export async function mayDelete(home: string, what: 'blue' | 'all'): Promise<void> {
  const name = basename(home)
  if (process.env['SLUICE_TEARDOWN'] === name) return
  const journal = await new FileStore(layoutOf(home)).readJournal().catch(() => undefined)
  if (!journal) return
  const position = findPosition(positionsOf(journal.plan), journal.verified.position)
  if (what === 'blue' && position?.kind === 'retired') return
  throw new Error(
    `the rollout ${name} stands at ${journal.verified.position}: ${
      what === 'blue'
        ? 'blue is protected until the rollout is retired'
        : 'it carries traffic and guards it'
    }. To tear down a test or a rehearsal, traffic and all: sluice teardown ${name}`,
  )
}
