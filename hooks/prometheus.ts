import { z } from 'zod'
import type { Plan } from '../rollout/plan.ts'
import type { PostedAlert } from './bodies.ts'

/** How often Prometheus is asked, beside what it posts. */
export const ASK_EVERY_MS = 2_000
/** Without an answer, or without a scrape, for so long, the alarms are unknown. */
export const SILENCE_MS = 6_000

const answer = z.object({
  status: z.literal('success'),
  data: z.object({
    alerts: z.array(
      z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()).default({}),
        state: z.string(),
        activeAt: z.string().optional(),
      }),
    ),
  }),
})

/** Asks Prometheus for the alerts that fire now, in case that a post of it was lost. */
export async function firingAlerts(prometheus: string): Promise<PostedAlert[]> {
  const response = await fetch(`${prometheus}/api/v1/alerts`, {
    signal: AbortSignal.timeout(1_500),
  })
  const { data } = answer.parse(await response.json())
  return data.alerts
    .filter(({ state }) => state === 'firing')
    .map(({ labels, annotations, activeAt }) => ({ labels, annotations, startsAt: activeAt }))
}

/** True when the plan has guardrails that Prometheus judges. */
export function needsPrometheus(plan: Plan): boolean {
  return Object.values(plan.guardrails).some(
    ({ metric, query }) => metric !== undefined || query !== undefined,
  )
}

/** Notices when the metric source falls silent, in either direction. */
export class Silence {
  #answered: number | undefined
  #scraped: number | undefined
  readonly #since: number
  constructor(now: number) {
    this.#since = now
  }

  answered(now: number): void {
    this.#answered = now
  }

  scraped(now: number): void {
    this.#scraped = now
  }

  /** Why the alarms are unknown; undefined while they are known. */
  reason(now: number): string | undefined {
    const seconds = (ms: number) => `${Math.round(ms / 1_000)}s`
    const unanswered = now - (this.#answered ?? this.#since)
    if (this.#answered === undefined || unanswered > SILENCE_MS) {
      return `Prometheus has not told its alerts for ${seconds(unanswered)}`
    }
    const unscraped = now - (this.#scraped ?? this.#since)
    if (this.#scraped === undefined || unscraped > SILENCE_MS) {
      return `Prometheus has not scraped the hook for ${seconds(unscraped)}`
    }
    return undefined
  }

  /** True while nothing has been heard yet, and need not have been. */
  early(now: number): boolean {
    return now - this.#since < 2 * SILENCE_MS
  }
}
