import type { Operations, TripCause } from '../platforms/operations.ts'
import { ESCALATION_WINDOW_MS, escalate } from '../rollout/escalation.ts'
import { formatMetric } from '../rollout/guardrail.ts'
import type { Metrics } from './metrics.ts'
import type { World } from './world.ts'

/** Tells people by how ill green is, and rolls back where a level says so; without Prometheus. */
export class Escalation {
  readonly #world: World
  readonly #metrics: Pick<Metrics, 'measure'>
  readonly #record: Operations['record']
  readonly #trip: (cause: TripCause) => void
  /** The levels that each service was above at the last look. */
  readonly #above = new Map<string, number[]>()
  /** When green of a service got its weight, of the monotonic clock. */
  readonly #movedAt = new Map<string, number>()
  constructor(
    world: World,
    metrics: Pick<Metrics, 'measure'>,
    record: Operations['record'],
    trip: (cause: TripCause) => void,
  ) {
    this.#world = world
    this.#metrics = metrics
    this.#record = record
    this.#trip = trip
  }

  /** What green answered at its former weight says nothing of this one. */
  moved(service: string): void {
    this.#movedAt.set(service, performance.now())
  }

  /** Looks at every green that is judged. */
  look(): void {
    const { plan } = this.#world.charge
    if (plan.escalation.length === 0) return
    for (const service of Object.keys(plan.services)) {
      if (this.#world.judges(service)) this.#lookAt(service)
      else this.#above.delete(service)
    }
  }

  #lookAt(service: string): void {
    const { escalation } = this.#world.charge.plan
    const since = performance.now() - (this.#movedAt.get(service) ?? Number.NEGATIVE_INFINITY)
    const window = Math.min(ESCALATION_WINDOW_MS, Math.floor(since / 1_000) * 1_000)
    if (window < 1_000) return
    const measured = this.#metrics.measure(service, 'green', window)
    const before = this.#above.get(service) ?? []
    const { above, crossed, rollsBack, value } = escalate(escalation, before, measured)
    this.#above.set(service, above)
    // First what takes the harm away, then the news of it.
    if (rollsBack) {
      const least = escalation.find(({ rollback }, index) => rollback && above.includes(index))
      const threshold = formatMetric('error-rate', least?.errors ?? 0)
      this.#trip({
        cause: 'escalation',
        value,
        threshold,
        reason: `green of ${service} has ${value}, above ${threshold}`,
        service,
        scope: 'service',
        pace: 'immediately',
      })
    }
    for (const { errors, notify } of crossed) {
      const level = formatMetric('error-rate', errors)
      void this.#record({
        kind: 'escalation',
        message: `green of ${service} has ${value}, above ${level}`,
        severity: 'critical',
        details: { service, value, threshold: level, notify },
      })
    }
  }
}
