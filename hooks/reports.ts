import type { Operations } from '../platforms/operations.ts'
import type { RolloutEvent } from '../platforms/store.ts'
import type { Journal } from '../rollout/journal.ts'
import { isUnavailable } from '../rollout/observation.ts'
import { recommend } from '../rollout/recommendation.ts'
import { type BothMeasured, reportText } from '../rollout/report-text.ts'
import { gainsOf, kpiTable } from '../rollout/targets.ts'
import { askOne } from './gates/query.ts'
import type { Metrics } from './metrics.ts'
import { askTargets } from './target-queries.ts'
import type { World } from './world.ts'

/** A faster clock does not report more often than this. */
const LEAST_EVERY_MS = 1_000
/** The most that a hook remembers of single answers. */
const LONGEST_WINDOW_MS = 600_000

export interface ReportParts {
  world: World
  metrics: Pick<Metrics, 'measure' | 'bake'>
  operations: Pick<Operations, 'observe' | 'record'>
  /** The last report of this rollout, as the history has it; undefined: none yet. */
  last?: Pick<RolloutEvent, 'at' | 'details'>
  onError(error: unknown): void
}

/** Makes a report at each interval of the plan, and sends it to the channels that the plan names. */
export class Reports {
  readonly #parts: ReportParts
  readonly #stopped = new AbortController()
  #last: number
  /** What the report before measured, for the trend. */
  #before: BothMeasured | undefined
  #working = false
  constructor(parts: ReportParts) {
    this.#parts = parts
    this.#last = parts.last ? Date.parse(parts.last.at) : Date.now()
    this.#before = parts.last?.details?.['measured'] as BothMeasured | undefined
  }

  stop(): void {
    this.#stopped.abort()
  }

  /** Makes a report where one is due; returns at once. */
  consider(now = Date.now()): void {
    const { charge, journal } = this.#parts.world
    const { every } = charge.plan.report
    if (every === undefined || !journal || journal.verified.position === 'retired') return
    if (this.#working || now - this.#last < Math.max(LEAST_EVERY_MS, every / charge.clock)) return
    this.#working = true
    this.#last = now
    void this.#report(journal)
      .catch((error) => this.#parts.onError(error))
      .finally(() => {
        this.#working = false
      })
  }

  async #report(journal: Journal): Promise<void> {
    const { world, metrics, operations } = this.#parts
    const { plan, clock } = world.charge
    const window = Math.min(LONGEST_WINDOW_MS, (plan.report.every ?? LONGEST_WINDOW_MS) / clock)
    const measured = Object.fromEntries(
      Object.keys(plan.services).map((service) => [
        service,
        {
          blue: metrics.measure(service, 'blue', window),
          green: metrics.measure(service, 'green', window),
        },
      ]),
    )
    const { baselines } = journal
    const green = metrics.bake()
    const blue = Object.fromEntries(
      Object.entries(measured).map(([service, both]) => [service, both.blue]),
    )
    const asked = await askTargets(plan, async (query) => {
      const answer = await askOne(world.prometheus, query, this.#stopped.signal)
      return 'value' in answer ? answer.value : undefined
    })
    const { live, latch, alarms, guard } = await operations.observe()
    if (this.#stopped.signal.aborted) return
    const kpis = kpiTable(plan, { green, baselines, blue, ...asked })
    const known = typeof latch === 'object' && !isUnavailable(latch) ? latch : undefined
    const advice = recommend({ plan, clock, journal, latch: known, alarms, guard, kpis })
    const gains = gainsOf(green, baselines)
    await operations.record({
      kind: 'report',
      message: reportText({
        ...{ journal, clock, live, alarms, measured, gains, kpis, advice },
        before: this.#before,
      }),
      severity: 'info',
      details: {
        notify: plan.report.to,
        ...advice,
        position: journal.verified.position,
        kpis,
        gains,
        measured,
      },
    })
    this.#before = measured
  }
}
