import type { Journal } from '../rollout/journal.ts'
import type { Latch } from '../rollout/latch.ts'

/**
 * Where a platform keeps latch and journal. Both are written durably: when a write returns, a
 * crash of anything loses nothing. Reading one that is not there gives `undefined`; one that makes
 * no sense throws {@link Corrupt}, and anything else that a read throws says nothing of what stands.
 *
 * Where several processes may write, a write is compare-and-set: `over` is the very value that a
 * read gave, or `missing`, and a write over anything else throws {@link Conflict} and changes
 * nothing. Left out, whatever stands is replaced. A platform with one writer may ignore it.
 */
export interface Store {
  readLatch(): Promise<Latch | undefined>
  writeLatch(latch: Latch, over?: Latch | 'missing'): Promise<void>
  readJournal(): Promise<Journal | undefined>
  writeJournal(journal: Journal, over?: Journal | 'missing'): Promise<void>
  /**
   * Appends to the history that reports are made of; never read by a decision.
   * @throws Conflict where several may write, and another one has recorded the same occasion
   */
  appendEvent(event: RolloutEvent): Promise<void>
}

/** Another process wrote since the value was read that was to be replaced. Nothing was changed. */
export class Conflict extends Error {
  override name = 'Conflict'
}

/** One line of the history. */
export interface RolloutEvent {
  /** ISO 8601, UTC. */
  at: string
  kind:
    | 'deployed'
    | 'admitted'
    | 'refused'
    | 'weights'
    | 'verified'
    | 'alarm'
    | 'resolved'
    | 'tripped'
    | 'acknowledged'
    | 'backup'
    | 'gate'
    | 'guard'
    | 'notification'
    | 'adopted'
    | 'asserted'
    | 'descended'
    | 'operation'
    | 'investigation'
    | 'flag'
    | 'report'
    | 'escalation'
    | 'checkpoint'
    | 'limit'
  message: string
  severity: 'info' | 'warning' | 'critical'
  /**
   * What it is of, where several may come to record one and the same: that, together with `at`,
   * stands in the history once. A platform with one writer may ignore it.
   */
  occasion?: string
  details?: Record<string, unknown>
}
