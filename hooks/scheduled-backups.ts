import type { Operations } from '../platforms/operations.ts'
import { backupsDueByPriority, LEAST_MS } from '../rollout/backup-schedule.ts'
import type { BackupRecord } from '../rollout/journal.ts'
import type { Plan } from '../rollout/plan.ts'
import type { World } from './world.ts'

/** One that fails is tried again, each time after twice as long, and at least this often. */
const AGAIN_MS = 300_000

/** What the schedule stands on. */
export interface ScheduleParts {
  world: World
  takeBackup(name: string, plan: Plan): Promise<BackupRecord>
  operations: Pick<Operations, 'recordBackup' | 'record'>
}

/** Takes the backups whose priority asks for them, one at a time, in the background. */
export class ScheduledBackups {
  readonly #parts: ScheduleParts
  /** Not before, by name: ms of this process. */
  readonly #waits = new Map<string, number>()
  readonly #failures = new Map<string, number>()
  #taking: Promise<void> | undefined
  #stopped = false
  constructor(parts: ScheduleParts) {
    this.#parts = parts
  }

  /** Starts what is due. Returns at once while one is being taken. */
  consider(): void {
    const { charge, journal } = this.#parts.world
    if (this.#taking || this.#stopped || !journal) return
    const now = new Date().toISOString()
    const due = backupsDueByPriority(charge.plan, journal.backups, charge.clock, now).find(
      (name) => performance.now() >= (this.#waits.get(name) ?? 0),
    )
    if (due === undefined) return
    this.#waits.set(due, performance.now() + LEAST_MS)
    this.#taking = this.#take(due).finally(() => {
      this.#taking = undefined
    })
  }

  /** Waits for the one that is being taken. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#taking
  }

  async #take(name: string): Promise<void> {
    const { world, takeBackup, operations } = this.#parts
    const { plan } = world.charge
    const backup = plan.backups[name]
    if (!backup) return
    try {
      await operations.recordBackup(await takeBackup(name, plan))
      this.#failures.delete(name)
    } catch (error) {
      const failures = this.#failures.get(name) ?? 0
      this.#failures.set(name, failures + 1)
      const again = Math.min(AGAIN_MS, LEAST_MS * 2 ** failures)
      this.#waits.set(name, performance.now() + again)
      // An update may be in its middle: the hook has the plan, and archiving is not on yet.
      if (failures === 0) return
      await operations.record({
        kind: 'backup',
        message: `backup ${name}, which is of ${backup.priority} priority, could not be taken: ${(error as Error).message}`,
        severity: backup.priority === 'critical' ? 'critical' : 'warning',
      })
    }
  }
}
