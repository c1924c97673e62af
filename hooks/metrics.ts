import { Counter, Gauge, Registry, Histogram as Timings } from 'prom-client'
import type { Journal, Measurement } from '../rollout/journal.ts'
import type { ColourName } from '../rollout/plan.ts'
import { greenOf, type ServiceWeights, split } from '../rollout/weights.ts'
import { Histogram, RollingHistogram } from './histogram.ts'
import type { Sample } from './router-log.ts'

const COLOURS = ['blue', 'green'] as const
const QUANTILES = { '0.5': 'p50', '0.95': 'p95', '0.99': 'p99' } as const
const BUCKETS = [
  0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 1.5, 2, 3, 5,
  10, 30,
]

/** What the router's answers say: as metrics for Prometheus, over windows, and since the last move. */
export class Metrics {
  readonly registry = new Registry()
  /** Answers of each green since the last move. */
  #bake = new Map<string, Histogram>()
  /** Answers of each blue while nothing has moved yet. */
  readonly #before = new Map<string, Histogram>()
  readonly #windows = new Map<string, RollingHistogram>()
  readonly #requests = new Counter({
    name: 'sluice_requests_total',
    help: 'Requests that the router finished',
    labelNames: ['service', 'color', 'outcome'] as const,
    registers: [this.registry],
  })
  readonly #seconds = new Timings({
    name: 'sluice_request_seconds',
    help: 'Seconds until the server answered',
    labelNames: ['service', 'color'] as const,
    buckets: BUCKETS,
    registers: [this.registry],
  })
  readonly #weight = this.#gauge('sluice_weight', 'Percent of the traffic', 'service', 'color')
  readonly #baseline = this.#gauge(
    'sluice_baseline_seconds',
    'What blue measured before the first step',
    'service',
    'quantile',
  )
  readonly #baselineErrors = this.#gauge(
    'sluice_baseline_error_ratio',
    "Blue's share of bad answers before the first step",
    'service',
  )
  readonly #up = this.#gauge('sluice_server_up', 'Healthy to the router', 'service', 'color')
  readonly #latched = this.#gauge('sluice_latched', '1 after a rollback that is not acknowledged')
  readonly #guarded = this.#gauge('sluice_guarded_seconds', 'Bake under guard, of the real clock')

  /** Every series stands from the start: a rate over one that begins at 1 would miss the first. */
  begin(services: readonly string[]): void {
    for (const service of services) {
      for (const color of COLOURS) {
        for (const outcome of ['ok', 'bad']) this.#requests.inc({ service, color, outcome }, 0)
        this.#seconds.zero({ service, color })
      }
    }
  }

  record({ service, colour, bad, seconds }: Sample, atStart: boolean): void {
    this.#requests.inc({ service, color: colour, outcome: bad ? 'bad' : 'ok' })
    if (seconds !== undefined) this.#seconds.observe({ service, color: colour }, seconds)
    this.#window(service, colour).add(performance.now(), bad, seconds)
    if (colour === 'green') entry(this.#bake, service).add(bad, seconds)
    else if (atStart) entry(this.#before, service).add(bad, seconds)
  }

  /** The last `windowMs`, at most ten minutes. */
  measure(service: string, colour: ColourName, windowMs: number): Measurement {
    return this.#window(service, colour).measure(performance.now(), windowMs)
  }

  /** Begins the answers since the last move anew, or goes on from what the journal kept. */
  beginBake(kept: Journal['green'] = {}): void {
    this.#bake = new Map(
      Object.entries(kept).map(([service, measurement]) => [service, Histogram.from(measurement)]),
    )
  }

  /** Answers of each green since the last move. */
  bake(): Journal['green'] {
    return measurements(this.#bake)
  }

  /** What each blue answered since this process started, while nothing had moved. */
  beforeFirstStep(): Journal['baselines'] {
    return measurements(this.#before)
  }

  setWeights(weights: ServiceWeights): void {
    for (const service of Object.keys(weights)) {
      const { blue, green } = split(greenOf(weights, service))
      this.#weight.set({ service, color: 'blue' }, blue)
      this.#weight.set({ service, color: 'green' }, green)
    }
  }

  setServerUp(service: string, color: ColourName, up: boolean): void {
    this.#up.set({ service, color }, up ? 1 : 0)
  }

  setJournal(journal: Journal, latched: boolean): void {
    this.#latched.set(latched ? 1 : 0)
    this.#guarded.set(journal.guardedMs / 1_000)
    for (const [service, baseline] of Object.entries(journal.baselines)) {
      for (const [quantile, field] of Object.entries(QUANTILES)) {
        const value = baseline[field]
        if (value !== undefined) this.#baseline.set({ service, quantile }, value)
      }
      if (baseline.requests > 0) {
        this.#baselineErrors.set({ service }, baseline.errors / baseline.requests)
      }
    }
  }

  #window(service: string, colour: ColourName): RollingHistogram {
    const key = `${service} ${colour}`
    let window = this.#windows.get(key)
    if (!window) {
      window = new RollingHistogram()
      this.#windows.set(key, window)
    }
    return window
  }

  #gauge<L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }
}

function entry(map: Map<string, Histogram>, service: string): Histogram {
  let histogram = map.get(service)
  if (!histogram) {
    histogram = new Histogram()
    map.set(service, histogram)
  }
  return histogram
}

function measurements(map: Map<string, Histogram>): Record<string, Measurement> {
  return Object.fromEntries(
    [...map].map(([service, histogram]) => [service, histogram.measurement()]),
  )
}
