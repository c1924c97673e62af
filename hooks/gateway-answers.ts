import { existingBackend } from '../platforms/kubernetes/existing.ts'
import { GatewayCounters } from '../platforms/kubernetes/gateway-counters.ts'
import type { Place } from '../platforms/kubernetes/names.ts'
import {
  type Backend,
  parseTraefik,
  startOf,
  type Told,
} from '../platforms/kubernetes/traefik-metrics.ts'
import type { Plan } from '../rollout/plan.ts'
import { kubernetesPart } from '../rollout/schema/kubernetes.ts'
import { GatewayAddresses } from './gateway-addresses.ts'
import { noAnswer } from './no-answer.ts'
import type { RouterLine } from './router-log.ts'
import type { Hearing } from './site.ts'

/** How often the gateway's counters are read. */
export const EVERY_MS = 200
const TIMEOUT_MS = 1_000
/** Silent for longer, green is not seen. */
const SILENT_MS = 3_000

/**
 * Hears a gateway by its counters: what they grew by since the last look are the answers since.
 * @param plan the one that is guarded now
 * @param onSeveral told once of an address that several replicas answer by turns
 */
export function hearGateway(
  plan: () => Plan,
  place: Place,
  onLine: (line: RouterLine) => void,
  onSeveral: (address: string) => void,
): Hearing & { trouble(): string | undefined } {
  const stopped = new AbortController()
  const names = new GatewayAddresses()
  const replicas = new Map<string, GatewayCounters>()
  let told = false
  let heardAt = performance.now()
  let why = 'it has not been asked yet'
  let timer: NodeJS.Timeout
  const hear = async (address: string) => {
    const response = await fetch(new URL('/metrics', address), {
      // On a connection of its own, so that a Service of several replicas chooses again.
      headers: { connection: 'close' },
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), stopped.signal]),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const text = await response.text()
    const counters = replicas.get(address) ?? new GatewayCounters()
    replicas.set(address, counters)
    const grown = counters.grownBy({
      started: startOf(text),
      at: Date.parse(response.headers.get('date') ?? new Date().toUTCString()) / 1_000,
      counted: parseTraefik(text, place.namespace, backendsOf(plan(), place)),
    })
    for (const one of grown) onLine(lineOf(one))
    if (counters.several && !told) {
      told = true
      onSeveral(address)
    }
  }
  const look = async () => {
    try {
      const addresses = await names.of([kubernetesPart(plan()).metrics].flat())
      for (const known of replicas.keys()) if (!addresses.includes(known)) replicas.delete(known)
      // Each is waited for: a late answer after a newer one would count backwards.
      const heard = await Promise.allSettled(addresses.map(hear))
      const failed = heard.find((each) => each.status === 'rejected')
      if (failed) throw failed.reason
      heardAt = performance.now()
    } catch (error) {
      why = noAnswer(error)
    }
    if (!stopped.signal.aborted) timer = setTimeout(look, EVERY_MS)
  }
  void look()
  return {
    trouble: () =>
      performance.now() - heardAt > SILENT_MS
        ? `the gateway's metrics at ${[kubernetesPart(plan()).metrics].flat().join(', ')} cannot be read: ${why}`
        : undefined,
    close: () => {
      stopped.abort()
      clearTimeout(timer)
    },
  }
}

function lineOf({ service, colour, code, seconds }: Told): RouterLine {
  const ms = seconds * 1_000
  return {
    kind: 'answer',
    service,
    wanted: colour,
    server: colour,
    status: code,
    waitMs: ms,
    totalMs: ms,
    termination: '--',
    fallback: false,
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
