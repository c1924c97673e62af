import { Counter, Gauge, Registry, Histogram as Timings } from 'prom-client'
import type { ProcessFigures } from '../platforms/local/process-figures.ts'
import type { Journal, Measurement } from '../rollout/journal.ts'
import type { ColourName } from '../rollout/plan.ts'
import { greenOf, type ServiceWeights, split } from '../rollout/weights.ts'
import { Histogram, RollingHistogram } from './histogram.ts'
import type { Copies, Sample } from './router-log.ts'
import { Rate, Uptime } from './spans.ts'

const COLOURS = ['blue', 'green'] as const
const OUTCOMES = ['ok', 'bad', 'fallback'] as const
const QUANTILES = { '0.5': 'p50', '0.95': 'p95', '0.99': 'p99' } as const
/**
 * Eight to a doubling, from 10 ms to 10 s: two neighbours lie 9 % apart, which is less than the tenth
 * that a guardrail may allow green above blue.
 */
const BUCKETS = [
  0.005,
  ...Array.from({ length: 81 }, (_, index) => Number((0.01 * 2 ** (index / 8)).toPrecision(4))),
  30,
]
const RECENT_MS = 60_000

/** What the router's answers say: as metrics for Prometheus, over windows, and since the last move. */
export class Metrics {
  readonly registry = new Registry()
  /** Answers of each green since the last move. */
  #bake = new Map<string, Histogram>()
  #rates = new Map<string, Rate>()
  #uptimes = new Map<string, Uptime>()
  /** Answers of each blue while nothing has moved yet. */
  readonly #before = new Map<string, Histogram>()
  readonly #ratesBefore = new Map<string, Rate>()
  readonly #begun = performance.now()
  readonly #copied = new Map<string, Copies>()
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
  readonly #baselineRate = this.#gauge(
    'sluice_baseline_rate',
    'Answers a second before the first step',
    'service',
  )
  readonly #copies = new Counter({
    name: 'sluice_copies_total',
    help: 'Writes of dual-write services, by whether the other colour has them too',
    labelNames: ['service', 'outcome'] as const,
    registers: [this.registry],
  })
  readonly #up = this.#gauge('sluice_server_up', 'Healthy to the router', 'service', 'color')
  readonly #latched = this.#gauge('sluice_latched', '1 after a rollback that is not acknowledged')
  readonly #guarded = this.#gauge('sluice_guarded_seconds', 'Bake under guard, of the real clock')

  constructor() {
    const measured = () => this.#recent()
    new Gauge({
      name: 'sluice_recent_seconds',
      help: 'Quantiles of the last minute, by the same counts as those of the baseline',
      labelNames: ['service', 'color', 'quantile'],
      registers: [this.registry],
      collect() {
        this.reset()
        for (const { value, ...labels } of measured()) this.set(labels, value)
      },
    })
  }

  /** Every series stands from the start: a rate over one that begins at 1 would miss the first. */
  begin(services: readonly string[]): void {
    for (const service of services) {
      for (const color of COLOURS) {
        for (const outcome of OUTCOMES) this.#requests.inc({ service, color, outcome }, 0)
        this.#seconds.zero({ service, color })
      }
    }
  }

  record(sample: Sample, atStart: boolean): void {
    const { service, colour, bad, fallback, seconds } = sample
    const outcome = bad ? 'bad' : fallback ? 'fallback' : 'ok'
    this.#requests.inc({ service, color: colour, outcome })
    // How long blue took for green says nothing of green.
    if (seconds !== undefined && !fallback) {
      this.#seconds.observe({ service, color: colour }, seconds)
    }
    const now = performance.now()
    this.#window(service, colour).add(now, bad, seconds, fallback)
    entry(this.#rates, service, () => new Rate(now)).add()
    if (colour === 'green') {
      entry(this.#bake, service, () => new Histogram()).add(bad, seconds, fallback)
    } else if (atStart) {
      entry(this.#before, service, () => new Histogram()).add(bad, seconds)
      entry(this.#ratesBefore, service, () => new Rate(now)).add()
    }
  }

  /** The last `windowMs`, at most ten minutes; the rate is of both colours. */
  measure(service: string, colour: ColourName, windowMs: number): Measurement {
    const now = performance.now()
    const [own, other] = [colour, colour === 'blue' ? 'green' : 'blue'].map((color) =>
      this.#window(service, color as ColourName).measure(now, windowMs),
    ) as [Measurement, Measurement]
    const answers = own.requests + other.requests
    if (answers === 0) return own
    const whole = (Math.floor(now / 1_000) - Math.max(1, Math.ceil(windowMs / 1_000)) + 1) * 1_000
    const seconds = Math.max(1_000, now - Math.max(whole, this.#begun)) / 1_000
    return { ...own, rate: Number((answers / seconds).toPrecision(6)) }
  }

  /**
   * Begins the answers since the last move anew, or goes on from what the journal kept.
   * @param keptMs how long what is kept was measured
   */
  beginBake(kept: Journal['green'] = {}, keptMs = 0): void {
    const now = performance.now()
    const each = <T>(make: (measurement: Measurement) => T) =>
      new Map(Object.entries(kept).map(([service, value]) => [service, make(value)]))
    const ups = [...this.#uptimes].map(([service, uptime]) => [service, uptime.last] as const)
    this.#bake = each((measurement) => Histogram.from(measurement))
    this.#rates = each(({ rate }) => new Rate(now, { value: rate, ms: keptMs }))
    this.#uptimes = each(({ availability }) => new Uptime({ value: availability, ms: keptMs }))
    for (const [service, up] of ups) {
      if (up !== undefined) entry(this.#uptimes, service, () => new Uptime()).set(now, up)
    }
  }

  /** Answers of each green since the last move, and the rate of its whole service. */
  bake(): Journal['green'] {
    const now = performance.now()
    return measurements(this.#bake, (service) => ({
      rate: this.#rates.get(service)?.value(now),
      availability: this.#uptimes.get(service)?.share(now),
    }))
  }

  /** What each blue answered since this process started, while nothing had moved. */
  beforeFirstStep(): Journal['baselines'] {
    const now = performance.now()
    return measurements(this.#before, (service) => ({
      rate: this.#ratesBefore.get(service)?.value(now),
    }))
  }

  /** The copier counts from its own start, and this process from its own. */
  setCopies(now: Copies): void {
    const { service, ok, failed } = now
    const last = this.#copied.get(service)
    const since = last && last.ok <= ok && last.failed <= failed ? last : { ok: 0, failed: 0 }
    this.#copies.inc({ service, outcome: 'ok' }, ok - since.ok)
    this.#copies.inc({ service, outcome: 'failed' }, failed - since.failed)
    this.#copied.set(service, now)
  }

  /** A write that went past the copier. */
  addUncopied(service: string): void {
    this.#copies.inc({ service, outcome: 'failed' })
  }

  /**
   * Has processes looked at when somebody asks for the metrics.
   * @param everyMs what was seen counts for so long
   */
  watchProcesses(read: () => ProcessFigures[], everyMs = 1_000): void {
    let last = { at: Number.NEGATIVE_INFINITY, figures: [] as ProcessFigures[] }
    const figures = () => {
      const at = performance.now()
      if (at - last.at >= everyMs) last = { at, figures: read() }
      return last.figures
    }
    const gauge = (name: string, help: string, field: 'residentBytes' | 'startSeconds') => {
      new Gauge({
        name,
        help,
        labelNames: ['service', 'color'] as const,
        registers: [this.registry],
        collect() {
          this.reset()
          for (const { service, color, [field]: value } of figures()) {
            if (value !== undefined) this.set({ service, color }, value)
          }
        },
      })
    }
    gauge('sluice_process_resident_bytes', 'Memory of the process of a colour', 'residentBytes')
    gauge('sluice_start_seconds', 'From its start to its first healthy answer', 'startSeconds')
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
    if (color !== 'green') return
    entry(this.#uptimes, service, () => new Uptime()).set(performance.now(), up)
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
      if (baseline.rate !== undefined) this.#baselineRate.set({ service }, baseline.rate)
    }
  }

  #recent() {
    const now = performance.now()
    return [...this.#windows].flatMap(([key, window]) => {
      const [service = '', color = ''] = key.split(' ')
      const measurement = window.measure(now, RECENT_MS)
      return Object.entries(QUANTILES).flatMap(([quantile, field]) => {
        const value = measurement[field]
        return value === undefined ? [] : [{ service, color, quantile, value }]
      })
    })
  }

  #window(service: string, colour: ColourName): RollingHistogram {
    return entry(this.#windows, `${service} ${colour}`, () => new RollingHistogram())
  }

  #gauge<L extends string>(name: string, help: string, ...labelNames: L[]): Gauge<L> {
    return new Gauge({ name, help, labelNames, registers: [this.registry] })
  }
}

function entry<T>(map: Map<string, T>, key: string, make: () => T): T {
  const found = map.get(key) ?? make()
  map.set(key, found)
  return found
}

function measurements(
  map: Map<string, Histogram>,
  more: (service: string) => Partial<Measurement>,
): Record<string, Measurement> {
  return Object.fromEntries(
    [...map].map(([service, histogram]) => {
      const known = Object.entries(more(service)).filter(([, value]) => value !== undefined)
      return [service, { ...histogram.measurement(), ...Object.fromEntries(known) }]
    }),
  )
}
