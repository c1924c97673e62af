import type { ColourName } from '../../rollout/plan.ts'

/** What Traefik counts of the answers of each Service behind a Gateway. Pure. */

/** Of one colour of a service: how many answers of each code and speed, since Traefik started. */
export interface Counted {
  service: string
  colour: ColourName
  code: number
  /** Cumulative, by upper bound in seconds. */
  buckets: Map<number, number>
}

export interface Backend {
  /** The Service's name. */
  name: string
  service: string
  colour: ColourName
}

const STARTED = /^process_start_time_seconds (\S+)$/m
const BUCKET = /^traefik_service_request_duration_seconds_bucket\{(.*)\} (\S+)$/
const LABEL = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g

/** When the process began that gives these metrics, in seconds since 1970; undefined where it does not say. */
export function startOf(text: string): number | undefined {
  const seconds = Number(STARTED.exec(text)?.[1])
  return Number.isNaN(seconds) ? undefined : seconds
}

/** Reads the counters of the Services that are ours. */
export function parseTraefik(text: string, namespace: string, backends: Backend[]): Counted[] {
  const found = new Map<string, Counted>()
  for (const line of text.split('\n')) {
    const match = BUCKET.exec(line)
    if (!match) continue
    const labels = Object.fromEntries(
      [...match[1]!.matchAll(LABEL)].map(([, key, value]) => [key, value]),
    )
    const backend = backends.find(({ name }) =>
      new RegExp(`-svc-${namespace}-${name}-\\d+@kubernetesgateway$`).test(labels['service'] ?? ''),
    )
    if (!backend) continue
    const { service, colour } = backend
    const code = Number(labels['code'])
    const key = `${service} ${colour} ${code}`
    const counted = found.get(key) ?? { service, colour, code, buckets: new Map() }
    const bound = labels['le'] === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels['le'])
    // The same Service behind several routes, methods and protocols is one colour.
    counted.buckets.set(bound, (counted.buckets.get(bound) ?? 0) + Number(match[2]))
    found.set(key, counted)
  }
  return [...found.values()]
}

/** One answer, as far as counters tell: its speed is the middle of its bucket. */
export interface Told {
  service: string
  colour: ColourName
  code: number
  seconds: number
}

/** What was answered between two looks at one process. A counter that fell began anew. */
export function answersBetween(before: readonly Counted[], after: readonly Counted[]): Told[] {
  const was = new Map(before.map((counted) => [keyOf(counted), counted]))
  return after.flatMap((counted) => {
    const { service, colour, code, buckets } = counted
    const old = was.get(keyOf(counted))?.buckets
    const whole = (all: Map<number, number> | undefined) => all?.get(Number.POSITIVE_INFINITY) ?? 0
    const begun = whole(buckets) < whole(old)
    const bounds = [...buckets.keys()].sort((a, b) => a - b)
    let below = 0
    return bounds.flatMap((bound, at) => {
      const upTo = (buckets.get(bound) ?? 0) - (begun ? 0 : (old?.get(bound) ?? 0))
      const count = Math.max(0, upTo - below)
      below = Math.max(below, upTo)
      const low = bounds[at - 1] ?? 0
      const seconds = Number.isFinite(bound) ? (low + bound) / 2 : low
      return Array.from({ length: count }, () => ({ service, colour, code, seconds }))
    })
  })
}

const keyOf = ({ service, colour, code }: Counted) => `${service} ${colour} ${code}`
