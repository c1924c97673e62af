import type {
  BackupRecord,
  Investigation,
  Journal,
  OperationRecord,
  Verdict,
} from '../../rollout/journal.ts'
import type { Plan } from '../../rollout/plan.ts'
import { Conflict, type RolloutEvent } from '../store.ts'
import type { Ground } from './ground.ts'

/** What is kept in the journal and in the history. */
export class Records {
  readonly #ground: Ground
  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** Records the verdict of a gate; the newest counts. */
  async recordVerdict(verdict: Verdict): Promise<void> {
    await this.change((journal) => ({
      ...journal,
      verdicts: [
        ...journal.verdicts.filter(
          (entry) =>
            entry.gate !== verdict.gate ||
            entry.position !== verdict.position ||
            entry.attempt !== verdict.attempt ||
            entry.planHash !== verdict.planHash,
        ),
        verdict,
      ],
    }))
    if (verdict.result === 'running') return
    await this.tell(
      'gate',
      `gate ${verdict.gate} ${verdict.result} at ${verdict.position}: ${verdict.reason}`,
      verdict.result === 'passed' ? 'info' : 'warning',
    )
  }

  /** Records what came of an operation; the newest counts. */
  async recordOperation(record: OperationRecord): Promise<void> {
    await this.change((journal) => ({
      ...journal,
      operations: [
        ...(journal.operations ?? []).filter(
          (entry) =>
            entry.operation !== record.operation ||
            entry.position !== record.position ||
            entry.attempt !== record.attempt,
        ),
        record,
      ],
    }))
    if (record.result === 'running') return
    await this.tell(
      'operation',
      `operation ${record.operation} ${record.result} at ${record.position}: ${record.reason}`,
      record.result === 'done' ? 'info' : 'warning',
    )
  }

  /** Opens an investigation, which holds every rise until it is closed; once while it is open. */
  async investigate(opened: Investigation): Promise<void> {
    let isNew = false
    await this.change((journal) => {
      const all = journal.investigations ?? []
      const open = all.some(
        ({ guardrail, service, closedAt }) =>
          guardrail === opened.guardrail && service === opened.service && closedAt === undefined,
      )
      isNew = !open
      return open ? journal : { ...journal, investigations: [...all, opened] }
    })
    if (!isNew) return
    await this.tell(
      'investigation',
      `investigation of ${opened.service} opened by ${opened.guardrail}: ${opened.value} against ${opened.threshold}; every rise is held until sluice resolve ${opened.guardrail}`,
      'critical',
      { ...opened },
    )
  }

  /**
   * Closes the open investigations of a guardrail.
   * @returns how many there were
   */
  async resolve(guardrail: string, by: string): Promise<number> {
    let closed = 0
    await this.change((journal) => ({
      ...journal,
      investigations: (journal.investigations ?? []).map((entry) => {
        if (entry.guardrail !== guardrail || entry.closedAt !== undefined) return entry
        closed++
        return { ...entry, closedAt: this.#ground.at() }
      }),
    }))
    if (closed > 0) {
      await this.tell('investigation', `${by} closed what ${guardrail} opened`, 'info')
    }
    return closed
  }

  /** Remembers a flag that a guardrail or a person has set; it stays over restarts. */
  async setFlag(flag: string, on: boolean, why: string): Promise<void> {
    let changed = false
    await this.change((journal) => {
      changed = journal.flags?.[flag] !== on
      return changed ? { ...journal, flags: { ...journal.flags, [flag]: on } } : journal
    })
    if (changed) await this.tell('flag', `flag ${flag} is ${on ? 'on' : 'off'}: ${why}`, 'warning')
  }

  /** Records a backup; a later record of the same id replaces it. */
  async recordBackup(record: BackupRecord): Promise<void> {
    await this.change((journal) => ({
      ...journal,
      backups: newest([...journal.backups.filter(({ id }) => id !== record.id), record]),
    }))
    await this.tell('backup', `backup ${record.name} ${record.id} taken and verified`, 'info')
  }

  /** The hook guards another plan from now on: what baked under the old one does not count. */
  async setPlan(plan: Plan, planHash: string, clock = 1): Promise<void> {
    await this.change((journal) => {
      if (journal.planHash !== planHash) return { ...journal, plan, planHash, clock, guardedMs: 0 }
      return journal.clock === clock ? journal : { ...journal, clock }
    })
  }

  /**
   * Every change of the journal comes through here, one after the other, so that none is lost.
   * @param change pure: called again where another process wrote first
   */
  change(change: (journal: Journal) => Journal): Promise<void> {
    return this.#ground.journal(async () => {
      const journal = await this.#ground.parts.store.readJournal()
      if (!journal) return
      const next = change(journal)
      if (next !== journal) await this.#ground.parts.store.writeJournal(next, journal)
    })
  }

  /**
   * A change that a rollback overrules: it is left out once the latch is on.
   * @returns whether it was made
   */
  changeUnlessLatched(change: (journal: Journal) => Journal): Promise<boolean> {
    return this.#ground.journal(async () => {
      const { store } = this.#ground.parts
      const [journal, latch] = [await store.readJournal(), await store.readLatch()]
      if (!journal || latch?.latched) return false
      await store.writeJournal(change(journal), journal)
      return true
    })
  }

  /** Writes an event into the history and announces it. */
  async tell(
    kind: RolloutEvent['kind'],
    message: string,
    severity: RolloutEvent['severity'],
    details?: Record<string, unknown>,
  ): Promise<void> {
    await this.recordOnce({ at: this.#ground.at(), kind, message, severity, details })
  }

  /**
   * Writes an event into the history and announces it, also where the history does not take it.
   * @returns false for an occasion that another process has recorded: then it is not announced again
   */
  async recordOnce(event: RolloutEvent): Promise<boolean> {
    try {
      await this.#ground.parts.store.appendEvent(event)
    } catch (error) {
      if (error instanceof Conflict) return false
    }
    this.#ground.parts.announce(event)
    return true
  }
}

/** Of each backup so many records are kept; its platform keeps no more of the copies themselves. */
const KEPT = 5

function newest(records: readonly BackupRecord[]): BackupRecord[] {
  return records.filter(
    ({ name }, index) =>
      records.slice(index + 1).filter((later) => later.name === name).length < KEPT,
  )
}
