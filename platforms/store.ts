import type { Journal } from '../rollout/journal.ts'
import type { Latch } from '../rollout/latch.ts'

/**
 * Where a platform keeps latch and journal. Both are written durably: when a write returns, a
 * crash of anything loses nothing. Reading one that is not there gives `undefined`; one that
 * cannot be read or makes no sense throws.
 */
export interface Store {
  readLatch(): Promise<Latch | undefined>
  writeLatch(latch: Latch): Promise<void>
  readJournal(): Promise<Journal | undefined>
  writeJournal(journal: Journal): Promise<void>
  /** Appends to the history that reports are made of; never read by a decision. */
  appendEvent(event: RolloutEvent): Promise<void>
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
  message: string
  severity: 'info' | 'warning' | 'critical'
  details?: Record<string, unknown>
}
