import { readFile, statfs } from 'node:fs/promises'
import { formatDuration } from '../../rollout/duration.ts'
import { Refused } from '../platform.ts'
import type { Progress } from './backup-source.ts'
import type { Layout } from './layout.ts'
import { ArchiveFailed, type Base, LOCKED, pgbackrest, readBases } from './pgbackrest.ts'
import { ARCHIVE_LIMITS } from './push-script.ts'
import { waitFor } from './wait-for.ts'
import { type Gap, gapsAfter, parseGaps } from './wal.ts'

/** How long another process's base backup is waited for. */
const OTHER_MS = 3_600_000

/** The base backups from which the WAL is whole, the oldest first. */
export async function usableBases(layout: Layout, system: string): Promise<Base[]> {
  const [bases, gaps] = [await readBases(layout, system), await readGaps(layout, system)]
  return bases.filter((base) => gapsAfter(gaps, base).length === 0)
}

/** The WAL files of a cluster that were given up. */
export async function readGaps({ archive }: Layout, system: string): Promise<Gap[]> {
  return parseGaps(await readFile(archive.gaps, 'utf8').catch(missing), system)
}

const missing = (error: NodeJS.ErrnoException) => {
  if (error.code === 'ENOENT') return ''
  throw error
}

/** The newest base backup from which the WAL is whole; taken where there is none. */
export async function ensureBase(
  layout: Layout,
  system: string,
  progress: Progress,
): Promise<Base> {
  const base = (await usableBases(layout, system)).at(-1)
  if (base) return base
  await takeBase(layout, system, progress)
  const taken = (await usableBases(layout, system)).at(-1)
  if (taken) return taken
  throw new Refused(
    `the archive in ${layout.archive.repository} has no base backup from which the WAL is whole; next: sluice doctor`,
  )
}

/**
 * Takes a base backup; those that are no longer needed, and the WAL before them, go. Where another
 * process is taking one, that one is waited for.
 */
export async function takeBase(
  layout: Layout,
  system: string,
  progress: Progress = () => {},
): Promise<void> {
  const { bavail, bsize } = await statfs(layout.archive.repository)
  if (bavail * bsize < ARCHIVE_LIMITS.free) {
    throw new Refused(
      `only ${Math.floor((bavail * bsize) / 1_048_576)} MB are free on the disk of ${layout.archive.repository}, so no base backup is taken; next: make room there`,
    )
  }
  const started = performance.now()
  try {
    await pgbackrest(layout, system, 'backup', ['--type=full'])
    progress(`base backup of the cluster: ${formatDuration(performance.now() - started)}`)
  } catch (error) {
    if (!(error instanceof ArchiveFailed) || error.code !== LOCKED) throw error
    const before = (await readBases(layout, system)).length
    const free = async () =>
      (await readBases(layout, system)).length > before || !(await isLocked(layout, system))
    await waitFor(free, { timeoutMs: OTHER_MS, what: "another process's base backup to end" })
  }
}

async function isLocked(layout: Layout, system: string): Promise<boolean> {
  const text = await pgbackrest(layout, system, 'info', ['--output=json'])
  const stanzas = JSON.parse(text) as { status?: { lock?: { backup?: { held?: boolean } } } }[]
  return stanzas.some(({ status }) => status?.lock?.backup?.held === true)
}
