import type { Operations } from '../platforms/operations.ts'
import { type ArchiveHealth, archiveHealth, baseDue } from '../rollout/archiving.ts'
import type { ArchiveKeeper } from './site.ts'
import type { World } from './world.ts'

/** How often the archive is looked at. */
const EVERY_MS = 15_000
/** A base backup that failed is tried again after this. */
const AGAIN_MS = 60_000

export interface WatchParts {
  world: Pick<World, 'charge'>
  archive: ArchiveKeeper
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
    if (this.#looking || this.#stopped) return
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
    const { archive, world } = this.#parts
    const state = await archive.read()
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
    const { archive, operations } = this.#parts
    try {
      await archive.takeBase()
      await operations.record({
        kind: 'backup',
        message: 'a base backup of the continuous archive was taken',
        severity: 'info',
      })
    } catch (error) {
      await operations.record({
        kind: 'backup',
        message: `the base backup of the continuous archive failed: ${(error as Error).message}`,
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
