/** Numbers of a service in Prometheus' text format. */
export class Metrics {
  readonly #counters = new Map<string, number>()
  readonly #gauges = new Map<string, () => number | undefined>()

  constructor() {
    this.gauge('process_cpu_seconds_total', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    })
  }

  /** Adds to a counter; it is there, with 0, from the first call on. */
  add(name: string, by = 1): void {
    this.#counters.set(name, (this.#counters.get(name) ?? 0) + by)
  }

  get(name: string): number {
    return this.#counters.get(name) ?? 0
  }

  /** A number that is asked for when it is read; undefined: not known now, and left out. */
  gauge(name: string, value: () => number | undefined): void {
    this.#gauges.set(name, value)
  }

  text(): string {
    const counters = [...this.#counters].map(([name, value]) => line(name, 'counter', value))
    const gauges = [...this.#gauges].flatMap(([name, ask]) => {
      const value = ask()
      return value === undefined ? [] : [line(name, 'gauge', value)]
    })
    return `${[...counters, ...gauges].join('\n')}\n`
  }
}

function line(name: string, type: string, value: number): string {
  return `# TYPE ${name} ${type}\n${name} ${value}`
}
