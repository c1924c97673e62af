import { NOBODY_GUARDS } from '../platforms/kubernetes/alert-rules.ts'
import type { Operations } from '../platforms/operations.ts'
import type { Alarm } from '../rollout/journal.ts'
import type { Unavailable } from '../rollout/observation.ts'
import type { Alarms } from './alarms.ts'
import { isListed, mapAlert } from './alerts.ts'
import type { PostedAlert } from './bodies.ts'
import type { Logger } from './log.ts'
import { ASK_EVERY_MS, firingAlerts, needsPrometheus, Silence } from './prometheus.ts'
import type { World } from './world.ts'

/** More names than this are not remembered: they come from outside. */
const MOST_UNKNOWN = 1_000

export interface IntakeParts {
  world: World
  alarms: Alarms
  operations: Pick<Operations, 'record'>
  log: Logger
  /** What alerts of this rollout are labelled with; undefined: all are. */
  rollout?: string
}

/** Takes what Prometheus posts and what it lists, and knows when it has fallen silent. */
export class AlertIntake {
  readonly #parts: IntakeParts
  readonly #silence = new Silence(performance.now())
  readonly #unknown = new Set<string>()
  #told = false
  #timer: NodeJS.Timeout | undefined
  constructor(parts: IntakeParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => void this.#ask(), ASK_EVERY_MS)
    void this.#ask()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** Prometheus has just read the hook's metrics. */
  scraped(): void {
    this.#silence.scraped(performance.now())
  }

  /** Why the alarms are unknown; undefined while they are known. */
  silent(): string | undefined {
    if (!needsPrometheus(this.#parts.world.charge.plan)) return undefined
    return this.#silence.reason(performance.now())
  }

  /** What fires now; what was not asked for is not a pass. */
  now(): Alarm[] | Unavailable {
    const reason = this.silent()
    return reason === undefined ? this.#parts.alarms.list() : { unavailable: reason }
  }

  /** Alerts as Prometheus posts them. */
  async take(alerts: PostedAlert[]): Promise<void> {
    const { alarms } = this.#parts
    await Promise.all(
      this.#mapped(alerts).map(async ({ firing, alarm }) =>
        firing ? alarms.firing(alarm) : alarms.resolved(alarm),
      ),
    )
  }

  async #ask(): Promise<void> {
    const { world, alarms, log } = this.#parts
    const { plan } = world.charge
    if (!needsPrometheus(plan)) return
    try {
      const alerts = await firingAlerts(world.prometheus)
      this.#silence.answered(performance.now())
      await alarms.listed(
        this.#mapped(alerts).map(({ alarm }) => alarm),
        ({ guardrail }) => isListed(plan, guardrail),
      )
    } catch (error) {
      log.debug({ err: error }, 'Prometheus does not answer')
    }
    this.#tell()
  }

  #tell(): void {
    const reason = this.silent()
    if (reason === undefined && this.#told) {
      void this.#parts.operations.record({
        kind: 'guard',
        message: 'Prometheus is back, and the alarms are known again',
        severity: 'info',
      })
    }
    if (reason === undefined) this.#told = false
    else if (!this.#told && !this.#silence.early(performance.now())) {
      this.#told = true
      void this.#parts.operations.record({
        kind: 'guard',
        message: `${reason}: the alarms are unknown, so every rise is held and the bake stands still`,
        severity: 'warning',
      })
    }
  }

  #mapped(alerts: PostedAlert[]) {
    const { world, log, rollout } = this.#parts
    return alerts.flatMap((alert) => {
      // Others share this Prometheus.
      if (rollout !== undefined && alert.labels['rollout'] !== rollout) return []
      // Over as soon as there is somebody to read it. A guardrail may have that name, too.
      const { alertname, guardrail } = alert.labels
      if (alertname === NOBODY_GUARDS && guardrail === undefined) return []
      const found = mapAlert(world.charge.plan, alert, new Date())
      if (found) return [found]
      const name = `${alert.labels['guardrail'] ?? alert.labels['alertname']} on ${alert.labels['service']}`
      if (!this.#unknown.has(name) && this.#unknown.size < MOST_UNKNOWN) {
        this.#unknown.add(name)
        log.warn(`an alert that the plan does not know: ${name.slice(0, 200)}`)
      }
      return []
    })
  }
}
