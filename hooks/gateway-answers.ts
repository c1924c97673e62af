import { existingBackend } from '../platforms/kubernetes/existing.ts'
import type { Place } from '../platforms/kubernetes/names.ts'
import {
  answersBetween,
  type Backend,
  type Counted,
  parseTraefik,
} from '../platforms/kubernetes/traefik-metrics.ts'
import type { Plan } from '../rollout/plan.ts'
import { kubernetesPart } from '../rollout/schema/kubernetes.ts'
import { noAnswer } from './no-answer.ts'
import type { RouterLine } from './router-log.ts'
import type { Hearing } from './site.ts'

/** How often the gateway's counters are read. */
export const EVERY_MS = 200
/** Silent for longer, green is not seen. */
const SILENT_MS = 3_000

/**
 * Hears a gateway by its counters: what they grew by since the last look are the answers since.
 * @param plan the one that is guarded now
 */
export function hearGateway(
  plan: () => Plan,
  place: Place,
  onLine: (line: RouterLine) => void,
): Hearing & { trouble(): string | undefined } {
  const stopped = new AbortController()
  let before: Counted[] | undefined
  let heardAt = performance.now()
  let why = 'it has not been asked yet'
  let timer: NodeJS.Timeout
  const look = async () => {
    const { metrics } = kubernetesPart(plan())
    try {
      const response = await fetch(new URL('/metrics', metrics), {
        signal: AbortSignal.any([AbortSignal.timeout(1_000), stopped.signal]),
      })
      if (!response.ok) throw new Error(`status ${response.status}`)
      const now = parseTraefik(await response.text(), place.namespace, backendsOf(plan(), place))
      heardAt = performance.now()
      // What was counted before the first look is nobody's.
      for (const told of before === undefined ? [] : answersBetween(before, now)) {
        const { service, colour, code, seconds } = told
        const ms = seconds * 1_000
        onLine({
          kind: 'answer',
          service,
          wanted: colour,
          server: colour,
          status: code,
          waitMs: ms,
          totalMs: ms,
          termination: '--',
          fallback: false,
        })
      }
      before = now
    } catch (error) {
      why = noAnswer(error)
    }
    if (!stopped.signal.aborted) timer = setTimeout(look, EVERY_MS)
  }
  void look()
  return {
    trouble: () =>
      performance.now() - heardAt > SILENT_MS
        ? `the gateway's metrics at ${kubernetesPart(plan()).metrics} cannot be read: ${why}`
        : undefined,
    close: () => {
      stopped.abort()
      clearTimeout(timer)
    },
  }
}

function backendsOf(plan: Plan, place: Place): Backend[] {
  return Object.keys(plan.services).flatMap((service) =>
    (['blue', 'green'] as const).map((colour) => ({
      service,
      colour,
      name: existingBackend(plan, place, service, colour),
    })),
  )
}
