import type { BackupRecord } from './journal.ts'
import type { Plan, Priority } from './plan.ts'

/**
 * How often a verified backup of data of a priority is taken beside the steps, ms of the plan's
 * clock. What is critical is archived all the time; here its archive is proven anew.
 */
export const EVERY_MS: Record<Priority, number> = {
  critical: 3_600_000,
  high: 3_600_000,
  medium: 86_400_000,
}

/** A faster clock does not back up more often than this, ms of the real clock. */
export const LEAST_MS = 10_000

/**
 * The backups whose priority asks for a new one now. The priority is the data's, not the service's.
 * @param now ISO 8601
 */
export function backupsDueByPriority(
  { backups }: Pick<Plan, 'backups'>,
  records: readonly Pick<BackupRecord, 'name' | 'takenAt' | 'verifiedAt'>[],
  clock: number,
  now: string,
): string[] {
  return Object.entries(backups)
    .filter(([name, { priority }]) => {
      if (!priority) return false
      const last = records.findLast((each) => each.name === name && each.verifiedAt !== undefined)
      if (!last) return true
      const age = Date.parse(now) - Date.parse(last.takenAt)
      // One from the future was taken under another clock, and its age is not known.
      return age < 0 || age >= intervalMs(priority, clock)
    })
    .map(([name]) => name)
}

/** How often, ms of the real clock. */
export function intervalMs(priority: Priority, clock: number): number {
  return Math.max(LEAST_MS, EVERY_MS[priority] / clock)
}
