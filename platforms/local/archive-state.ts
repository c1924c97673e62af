import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArchiveState } from '../../rollout/archiving.ts'
import { readArchiving } from './archive.ts'
import { readGaps, takeBase } from './base-backup.ts'
import type { Layout } from './layout.ts'
import { readBases, stanzaOf } from './pgbackrest.ts'
import { ARCHIVE_LIMITS } from './push-script.ts'
import { gapsAfter, isSegment, SEGMENT_BYTES } from './wal.ts'

/**
 * Reads how the archive of the supervised cluster stands, from its files alone: the server may be
 * away.
 * @returns undefined where the cluster is not archived
 */
export async function readArchiveState(layout: Layout): Promise<ArchiveState | undefined> {
  const archiving = await readArchiving(layout)
  if (!archiving) return undefined
  const { system } = archiving
  const [bases, gaps] = [await readBases(layout, system), await readGaps(layout, system)]
  const whole = bases.filter((base) => gapsAfter(gaps, base).length === 0)
  const newest = bases.at(-1)
  const lost = newest && whole.length === 0 ? gapsAfter(gaps, newest).at(-1) : undefined
  const failure = parseFailure(await readFile(layout.archive.failure, 'utf8').catch(() => ''))
  const archivedAt = await lastArchived(layout, system)
  return {
    ...(whole[0] ? { from: whole[0].from, newestBase: whole.at(-1)?.from } : {}),
    ...(archivedAt === undefined ? {} : { archivedAt }),
    waiting: (await waitingFiles(layout)) * SEGMENT_BYTES,
    limit: ARCHIVE_LIMITS.waiting,
    ...(failure ? { failure } : {}),
    ...(lost ? { givenUpAt: lost.at } : {}),
  }
}

/** What looks after the archive of the supervised cluster: reads it, and takes base backups. */
export function keeperOf(layout: Layout) {
  return {
    read: () => readArchiveState(layout),
    takeBase: async () => {
      const archiving = await readArchiving(layout)
      if (archiving) await takeBase(layout, archiving.system)
    },
  }
}

/** `<time> <what was said>` */
function parseFailure(text: string): ArchiveState['failure'] {
  const [, at, said] = /^(\S+) (.*)/.exec(text) ?? []
  return at === undefined ? undefined : { at, said: (said ?? '').trim() }
}

async function waitingFiles({ postgres }: Layout): Promise<number> {
  const names = await readdir(join(postgres.data, 'pg_wal', 'archive_status')).catch(() => [])
  return names.filter((name) => name.endsWith('.ready')).length
}

/** When the newest WAL file came into the repository, ms. */
async function lastArchived(layout: Layout, system: string): Promise<number | undefined> {
  const folder = join(layout.archive.repository, 'archive', stanzaOf(system))
  const names = await readdir(folder, { recursive: true }).catch(() => [])
  const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
  const newest = names
    .filter((path) => isSegment(nameOf(path).slice(0, 24)))
    .reduce<string | undefined>(
      (last, path) => (last === undefined || nameOf(path) > nameOf(last) ? path : last),
      undefined,
    )
  return newest === undefined ? undefined : (await stat(join(folder, newest))).mtimeMs
}
