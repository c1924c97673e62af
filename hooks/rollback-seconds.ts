import { Gauge, type Registry } from 'prom-client'
import type { RolloutEvent } from '../platforms/store.ts'

/** How long each rollback took, from its trigger to green read back, for dashboards and targets. */
export class RollbackSeconds {
  readonly #gauge: Gauge<'trip'>
  /** @param history what happened before this start */
  constructor(registry: Registry, history: readonly RolloutEvent[]) {
    this.#gauge = new Gauge({
      name: 'sluice_rollback_seconds',
      help: 'From the trigger of a rollback to green read back at its landing',
      labelNames: ['trip'],
      registers: [registry],
    })
    for (const event of history) this.tell(event)
  }

  tell({ kind, details }: RolloutEvent): void {
    const [trip, actedMs] = [details?.['trip'], details?.['actedMs']]
    if (kind !== 'tripped' || typeof trip !== 'number' || typeof actedMs !== 'number') return
    this.#gauge.set({ trip: String(trip) }, actedMs / 1_000)
  }
}
