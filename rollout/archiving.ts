import { formatSpan } from './duration.ts'
import type { Plan } from './plan.ts'

/** How soon what was written is in the archive, however little it is, ms of the plan's clock. */
export const PROMISE_MS = 60_000

/** A faster clock does not archive more often than this, s of the real clock. */
const LEAST_S = 10

/** How often a base backup is taken, ms of the plan's clock. */
const BASE_EVERY_MS = 86_400_000

/** A faster clock does not take base backups more often than this, ms of the real clock. */
const LEAST_BASE_MS = 600_000

/** The backups that are to be continuous. */
const criticalOf = ({ backups }: Pick<Plan, 'backups'>) =>
  Object.entries(backups).filter(([, { priority }]) => priority === 'critical')

/**
 * How the plan's own cluster is archived; undefined where nothing in it is critical.
 * @param clock how many times faster than real the plan's waits pass
 */
export function archivingOf(
  plan: Pick<Plan, 'backups' | 'local'>,
  clock: number,
): { timeoutSeconds: number } | undefined {
  const own = variablesOf(plan)
  if (!criticalOf(plan).some(([, { postgres }]) => own.includes(postgres))) return undefined
  return { timeoutSeconds: Math.max(LEAST_S, Math.round(PROMISE_MS / clock / 1_000)) }
}

/** One sentence for each backup that is to be continuous and cannot be archived from here. */
export function archivingProblems(plan: Pick<Plan, 'backups' | 'local'>): string[] {
  const own = variablesOf(plan)
  return criticalOf(plan)
    .filter(([, { postgres }]) => !own.includes(postgres))
    .map(([name, { postgres }]) => notArchivable(name, postgres))
}

/** Why a backup of critical priority cannot be archived from here, and what to do. */
export function notArchivable(name: string, source: string): string {
  return `plan.backups.${name}.priority: critical asks for continuous archiving, but ${source} is no database of local.postgres, and the WAL of another server cannot be archived from here; give priority: high, and archive it by that server's own means, or name it under local.postgres.databases`
}

const variablesOf = ({ local }: Pick<Plan, 'local'>) =>
  Object.values(local.postgres?.databases ?? {}).map((variable) => `env:${variable}`)

/** How often a base backup is taken, ms of the real clock. */
export function baseIntervalMs(clock: number): number {
  return Math.max(LEAST_BASE_MS, BASE_EVERY_MS / clock)
}

/** What the archive of a cluster looks like, read at one moment. Times in ms. */
export interface ArchiveState {
  /** From when on every moment can be restored; undefined without a base backup that is whole. */
  from?: number
  /** When the newest base backup that is whole can be restored from. */
  newestBase?: number
  /** When the last WAL file was archived. */
  archivedAt?: number
  /** WAL that waits for the archive, bytes. */
  waiting: number
  /** The most that may wait; above it WAL is given up, so that the database goes on. */
  limit: number
  /** Why the last file was not archived. */
  failure?: { at: string; said: string }
  /** When WAL was given up that the newest base backup would need; ISO 8601. */
  givenUpAt?: string
}

/** The archive in one sentence, and what to do where it is not well. */
export interface ArchiveHealth {
  state: 'well' | 'beginning' | 'failing' | 'broken'
  text: string
  next?: string
}

/** Judges an archive. Pure: `now` is an argument, ms. */
export function archiveHealth(archive: ArchiveState, now: number): ArchiveHealth {
  const { from, archivedAt, waiting, limit, failure, givenUpAt } = archive
  const range =
    from === undefined
      ? 'no moment can be restored'
      : `every moment from ${iso(from)} to ${iso(Math.max(from, archivedAt ?? 0))} (${formatSpan(Math.max(0, now - Math.max(from, archivedAt ?? 0)))} ago) can be restored`
  const why = failure ? `fails since ${failure.at}: ${failure.said}` : ''
  const waits = `${megabytes(waiting)} of WAL wait, at most ${megabytes(limit)}`
  const next = 'make room or rights in the archive of the home; PostgreSQL tries again by itself'
  if (givenUpAt !== undefined) {
    const given = `WAL was given up at ${givenUpAt}, so that the database goes on: ${range} until a new base backup is taken`
    return failure
      ? { state: 'broken', text: `${given}; archiving ${why}; ${waits}`, next }
      : { state: 'broken', text: given, next: 'sluice backup, which begins with a new base backup' }
  }
  if (failure) {
    const then = 'then WAL is given up, and the database goes on'
    return { state: 'failing', text: `archiving ${why}; ${waits}, ${then}; ${range}`, next }
  }
  if (from === undefined)
    return { state: 'beginning', text: 'the first base backup is not taken yet' }
  return { state: 'well', text: range }
}

/** True when a base backup is due: there is none that is whole, or it is old. */
export function baseDue({ newestBase }: ArchiveState, clock: number, now: number): boolean {
  return newestBase === undefined || now - newestBase >= baseIntervalMs(clock)
}

const iso = (at: number) => new Date(at).toISOString()
const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`
