import type { TripCause } from '../platforms/operations.ts'
import { actionOf, type Reach, reachOf } from '../rollout/action.ts'
import { formatDuration } from '../rollout/duration.ts'
import type { Alarm } from '../rollout/journal.ts'
import type { Alarms } from './alarms.ts'
import { noAnswer } from './no-answer.ts'
import type { Surroundings } from './surroundings.ts'
import type { World } from './world.ts'

const EVERY_MS = 30_000
/** A faster clock does not ask green more often than this. */
const LEAST_EVERY_MS = 1_000
const LONGEST_ANSWER_MS = 5_000

interface Check {
  guardrail: string
  service: string
  path: string
  everyMs: number
  /** Trips at this many failures in a row, not above it. */
  limit: number
  then: Alarm['then']
  reach: Reach
}

/** The guardrails that ask green directly, past the router. */
export class Checks {
  readonly #world: World
  readonly #around: Pick<Surroundings, 'urlsOf'>
  readonly #alarms: Alarms
  readonly #trip: (cause: TripCause) => void
  #timers: NodeJS.Timeout[] = []
  #running = new AbortController()
  constructor(
    world: World,
    around: Pick<Surroundings, 'urlsOf'>,
    alarms: Alarms,
    trip: (cause: TripCause) => void,
  ) {
    this.#world = world
    this.#around = around
    this.#alarms = alarms
    this.#trip = trip
  }

  /** Starts the checks of the plan; those of a former one end. */
  start(): void {
    this.stop()
    for (const check of checksOf(this.#world)) this.#repeat(check, this.#running.signal)
  }

  stop(): void {
    this.#running.abort()
    this.#running = new AbortController()
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  #repeat(check: Check, stopped: AbortSignal): void {
    let failures = 0
    let firstBadAt: Date | undefined
    let asking = false
    const ask = async () => {
      if (asking) return
      asking = true
      const at = new Date()
      const failure = await this.#failureOf(check, stopped)
      asking = false
      if (stopped.aborted) return
      if (failure === undefined) {
        failures = 0
        firstBadAt = undefined
        this.#alarms.resolved(check)
        return
      }
      failures++
      firstBadAt ??= at
      if (failures >= check.limit) this.#failed(check, failures, failure, firstBadAt)
    }
    this.#timers.push(setInterval(ask, check.everyMs))
    void ask()
  }

  /** Why green is not well: every process of it has to be. */
  async #failureOf({ service, path, everyMs }: Check, stopped: AbortSignal) {
    try {
      const urls = await this.#around.urlsOf(this.#world.charge.plan, service, 'green', path)
      const failures = await Promise.all(urls.map((url) => askOnce({ url, everyMs }, stopped)))
      return failures.find((failure) => failure !== undefined)
    } catch (error) {
      return (error as Error).message
    }
  }

  #failed(check: Check, failures: number, failure: string, firstBadAt: Date): void {
    const { guardrail, service, limit, then } = check
    const value = `${failures} failed checks in a row (${failure})`
    const threshold = `${limit} in a row`
    const trips = then === 'rollback' && this.#world.judges(service)
    // Without traffic there is nothing to roll back; what fails now holds the step that would give it some.
    const holds = then === 'rollback' ? 'hold' : then
    const since = firstBadAt.toISOString()
    void this.#alarms.firing({ guardrail, service, value, threshold, since, then: holds })
    if (!trips) return
    this.#trip({
      cause: guardrail,
      value,
      threshold,
      reason: `guardrail ${guardrail}: green of ${service} failed ${failures} checks in a row, ${failure}`,
      service,
      ...check.reach,
      firstBadAt: since,
    })
  }
}

/** How often a check asks, in ms of the real clock. */
export function checkIntervalMs(every: number | undefined, clock: number): number {
  return Math.max(LEAST_EVERY_MS, (every ?? EVERY_MS) / clock)
}

function checksOf({ charge: { plan, clock } }: World): Check[] {
  return Object.entries(plan.guardrails).flatMap(([guardrail, rail]) => {
    const path = rail.check
    if (path === undefined) return []
    return (rail.services ?? Object.keys(plan.services)).map((service) => ({
      guardrail,
      service,
      path,
      everyMs: checkIntervalMs(rail.every, clock),
      limit: rail.consecutiveFailures ?? 3,
      then: actionOf(rail).do,
      reach: reachOf(rail),
    }))
  })
}

/**
 * Asks a url once.
 * @returns why it is not well; undefined where it answers 2xx
 */
export async function askOnce(
  { url, everyMs }: { url: string; everyMs: number },
  stopped: AbortSignal,
): Promise<string | undefined> {
  const longest = Math.min(everyMs, LONGEST_ANSWER_MS)
  const late = AbortSignal.timeout(longest)
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { connection: 'close' },
      signal: AbortSignal.any([late, stopped]),
    })
    await response.body?.cancel()
    return response.ok ? undefined : `status ${response.status}`
  } catch (error) {
    if (late.aborted) return `no answer in ${formatDuration(longest)}`
    return `no answer, ${noAnswer(error)}`
  }
}
