import type { RolloutEvent } from '../platforms/store.ts'
import type { Alarm } from '../rollout/journal.ts'

/** An alarm that Prometheus lists no more is over after this: a post may have overtaken the list. */
const LIST_LAG_MS = 3_000

interface Entry {
  alarm: Alarm
  seenAt: number
}

/**
 * The alarms that are active. One that is over leaves here, and nothing else: it never clears the
 * latch.
 */
export class Alarms {
  readonly #entries = new Map<string, Entry>()
  readonly #record: (event: Omit<RolloutEvent, 'at'>) => void
  readonly #act: (alarm: Alarm, begins: boolean) => Promise<void>
  readonly #does: (alarm: Alarm) => string
  /**
   * @param act told of each firing alarm, each time that it is heard of; `begins` the first time
   * @param does what an alarm does now, for people
   */
  constructor(
    record: (event: Omit<RolloutEvent, 'at'>) => void,
    act: (alarm: Alarm, begins: boolean) => Promise<void>,
    does: (alarm: Alarm) => string = ({ then }) => then,
  ) {
    this.#does = does
    this.#record = record
    this.#act = act
  }

  list(): Alarm[] {
    return [...this.#entries.values()].map(({ alarm }) => alarm)
  }

  async firing(alarm: Alarm): Promise<void> {
    const key = keyOf(alarm)
    const known = this.#entries.get(key)
    this.#entries.set(key, { alarm, seenAt: performance.now() })
    if (!known) {
      this.#record({
        kind: 'alarm',
        message: `${alarm.guardrail} on ${alarm.service}: ${alarm.value} against ${alarm.threshold} (${this.#does(alarm)})`,
        severity: 'warning',
        details: { ...alarm },
      })
    }
    await this.#act(alarm, known === undefined || known.alarm.then !== alarm.then)
  }

  resolved({ guardrail, service }: Pick<Alarm, 'guardrail' | 'service'>): void {
    if (!this.#entries.delete(keyOf({ guardrail, service }))) return
    this.#record({
      kind: 'resolved',
      message: `${guardrail} on ${service} is over`,
      severity: 'info',
      details: { guardrail, service },
    })
  }

  /** Another plan: an alarm of what it does not have any more would never be over. */
  keep(isKnown: (alarm: Alarm) => boolean): void {
    for (const { alarm } of [...this.#entries.values()]) if (!isKnown(alarm)) this.resolved(alarm)
  }

  /**
   * What Prometheus lists as firing now: those it does not list are over.
   * @param isListed false for an alarm that it never lists
   */
  async listed(firing: Alarm[], isListed: (alarm: Alarm) => boolean): Promise<void> {
    const keys = new Set(firing.map(keyOf))
    const old = performance.now() - LIST_LAG_MS
    for (const [key, { alarm, seenAt }] of this.#entries) {
      if (isListed(alarm) && !keys.has(key) && seenAt < old) this.resolved(alarm)
    }
    await Promise.all(firing.map((alarm) => this.firing(alarm)))
  }
}

function keyOf({ guardrail, service }: Pick<Alarm, 'guardrail' | 'service'>): string {
  return `${guardrail} ${service}`
}
