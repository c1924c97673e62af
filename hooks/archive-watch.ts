import { readArchiving } from '../platforms/local/archive.ts'
import { readArchiveState } from '../platforms/local/archive-state.ts'
import { takeBase } from '../platforms/local/base-backup.ts'
import type { Layout } from '../platforms/local/layout.ts'
import type { Operations } from '../platforms/operations.ts'
import { type ArchiveHealth, archiveHealth, archivingOf, baseDue } from '../rollout/archiving.ts'
import type { World } from './world.ts'

/** How often the archive is looked at. */
const EVERY_MS = 15_000
/** A base backup that failed is tried again after this. */
const AGAIN_MS = 60_000

export interface WatchParts {
  world: Pick<World, 'charge'>
  layout: Layout
  operations: Pick<Operations, 'record'>
}

/**
 * Looks after the continuous archive in the background: takes base backups when they are due, and
 * tells people when archiving fails and when it goes on.
 */
export class ArchiveWatch {
  readonly #parts: WatchParts
  readonly #everyMs: number
  #lookedAt = Number.NEGATIVE_INFINITY
  #triedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  #stopped = false
  /** What people were told last; a start tells only what is not well. */
  #told: ArchiveHealth['state'] = 'well'
  constructor(parts: WatchParts, everyMs = EVERY_MS) {
    this.#parts = parts
    this.#everyMs = everyMs
  }

  /** Begins a look where one is due. Returns at once. */
  consider(): void {
    const { plan, clock } = this.#parts.world.charge
    if (this.#looking || this.#stopped || !archivingOf(plan, clock)) return
    if (performance.now() - this.#lookedAt < this.#everyMs) return
    this.#lookedAt = performance.now()
    this.#looking = this.#look()
      .catch((error: Error) =>
        this.#tell('failing', `the archive cannot be read: ${error.message}`),
      )
      .finally(() => {
        this.#looking = undefined
      })
  }

  /** Waits for the look that is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#looking
  }

  async #look(): Promise<void> {
    const { layout, world } = this.#parts
    const state = await readArchiveState(layout)
    if (!state) return
    const health = archiveHealth(state, Date.now())
    await this.#tell(health.state, health.text)
    // While nothing is taken, a base backup would only wait in vain.
    if (state.failure || !baseDue(state, world.charge.clock, Date.now())) return
    if (performance.now() - this.#triedAt < AGAIN_MS) return
    this.#triedAt = performance.now()
    await this.#takeBase()
  }

  async #takeBase(): Promise<void> {
    const { layout, operations } = this.#parts
    const archiving = await readArchiving(layout)
    if (!archiving) return
    try {
      await takeBase(layout, archiving.system)
      await operations.record({
        kind: 'backup',
        message: 'a base backup of the supervised PostgreSQL was taken',
        severity: 'info',
      })
    } catch (error) {
      await operations.record({
        kind: 'backup',
        message: `the base backup of the supervised PostgreSQL failed: ${(error as Error).message}`,
        severity: 'critical',
      })
    }
  }

  /** People hear of a change, not of a state. */
  async #tell(state: ArchiveHealth['state'], text: string): Promise<void> {
    const before = this.#told
    this.#told = state
    const ill = state === 'failing' || state === 'broken'
    const wasIll = before === 'failing' || before === 'broken'
    if (state === before || (!ill && !wasIll)) return
    await this.#parts.operations.record({
      kind: 'backup',
      message: `${ill ? 'continuous archiving' : 'continuous archiving goes on'}: ${text}`,
      severity: ill ? 'critical' : 'info',
    })
  }
}
