/** One series over the times of the samples; null where nothing was measured. */
export interface Series {
  labels: Record<string, string>
  values: (number | null)[]
}

/** What Prometheus measured of a rollout, all series over the same times. */
export interface Samples {
  /** Seconds since 1970. */
  times: number[]
  /** Percent, labels service and color. */
  weights: Series[]
  /** Counted since the hook began; labels service, color and outcome (ok or bad). */
  requests: Series[]
  /** Seconds, labels service and color. */
  p95: Series[]
  /** p95 of blue before the first step, seconds, label service. */
  baseline: Series[]
}

export const noSamples: Samples = { times: [], weights: [], requests: [], p95: [], baseline: [] }

/** As many points as a screen has; Prometheus gives at most 11,000. */
const POINTS = 1_500

/** Where a rollout's numbers are. */
export interface Measured {
  /** Prometheus' address, without a path. */
  prometheus: string
  /** What tells the rollout's series apart where others are there too, such as `rollout="a/b"`. */
  selector?: string
}

/**
 * Asks Prometheus for what it measured.
 * @param from @param to ms since 1970
 * @throws Error where it does not answer
 */
export async function fetchSamples(
  { prometheus, selector = '' }: Measured,
  from: number,
  to: number,
): Promise<Samples> {
  // Prometheus looks four times a second; long rollouts are shown in whole seconds.
  const coarse = Math.ceil((to - from) / 1_000 / POINTS)
  const step = coarse > 1 ? coarse : 0.25
  const first = Math.floor(from / 1_000)
  const count = Math.ceil((to / 1_000 - first) / step) + 1
  const times = Array.from({ length: count }, (_, index) => first + index * step)
  const window = `${Math.max(3, Math.ceil(2 * step))}s`
  const ask = (query: string) => queryRange(prometheus, query, times, step)
  const [weights, requests, p95, baseline] = await Promise.all([
    ask(`sum by (service, color) (sluice_weight{${selector}})`),
    ask(`sum by (service, color, outcome) (sluice_requests_total{${selector}})`),
    ask(
      `histogram_quantile(0.95, sum by (service, color, le) (rate(sluice_request_seconds_bucket{${selector}}[${window}])))`,
    ),
    ask(`max by (service) (sluice_baseline_seconds{quantile="0.95",${selector}})`),
  ])
  return { times, weights, requests, p95, baseline }
}

interface Matrix {
  data: { result: { metric: Record<string, string>; values: [number, string][] }[] }
}

async function queryRange(
  prometheus: string,
  query: string,
  times: number[],
  step: number,
): Promise<Series[]> {
  const body = new URLSearchParams({
    query,
    start: String(times[0]),
    end: String(times.at(-1)),
    step: String(step),
  })
  const answer = await fetch(`${prometheus}/api/v1/query_range`, {
    method: 'POST',
    body,
    signal: AbortSignal.timeout(15_000),
  })
  if (!answer.ok) throw new Error(`${answer.status} to ${query}: ${await answer.text()}`)
  const { data } = (await answer.json()) as Matrix
  return data.result.map(({ metric, values }) => {
    const byTime = new Map(values.map(([time, value]) => [Math.round(time * 1_000), Number(value)]))
    return {
      labels: metric,
      values: times.map((time) => {
        const value = byTime.get(Math.round(time * 1_000))
        return value !== undefined && Number.isFinite(value) ? value : null
      }),
    }
  })
}

/**
 * Asks Prometheus for one number.
 * @returns undefined where it gives none, or several, or does not answer: then nothing was measured
 */
export async function askNumber(prometheus: string, query: string): Promise<number | undefined> {
  try {
    const answer = await fetch(`${prometheus}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query }),
      signal: AbortSignal.timeout(5_000),
    })
    const { data } = (await answer.json()) as {
      data?: { resultType: string; result: { value: [number, string] }[] | [number, string] }
    }
    if (!data) return undefined
    const values =
      data.resultType === 'scalar'
        ? [(data.result as [number, string])[1]]
        : (data.result as { value: [number, string] }[]).map(({ value }) => value[1])
    const value = values.length === 1 ? Number(values[0]) : Number.NaN
    return Number.isFinite(value) ? value : undefined
  } catch {
    return undefined
  }
}
