import type { Samples, Series } from './samples.ts'

type Values = (number | null)[]

/** The values of the one series with these labels; nothing but nulls where there is none. */
export function valuesOf(samples: Samples, kind: keyof Omit<Samples, 'times'>, labels: object) {
  const wanted = Object.entries(labels)
  const found = samples[kind].find((series: Series) =>
    wanted.every(([key, value]) => series.labels[key] === value),
  )
  return found?.values ?? samples.times.map(() => null)
}

/** What a counter grew by from each sample to the next; a counter that begins anew began at 0. */
export function growth(counter: Values): Values {
  return counter.map((value, index) => {
    const before = counter[index - 1]
    if (value === null) return null
    if (before === undefined || before === null) return null
    return value >= before ? value - before : value
  })
}

/** A counter's growth per second. */
export function rates(times: readonly number[], counter: Values): Values {
  return growth(counter).map((grown, index) => {
    const seconds = (times[index] ?? 0) - (times[index - 1] ?? 0)
    return grown === null || seconds <= 0 ? null : grown / seconds
  })
}

/** Requests of a colour between two moments. */
export function countBetween(
  samples: Samples,
  labels: { color: string; outcome?: string },
  from: number,
  to: number,
): number {
  const matching = samples.requests.filter((series) =>
    Object.entries(labels).every(([key, value]) => series.labels[key] === value),
  )
  return matching.reduce(
    (sum, { values }) =>
      sum +
      growth(values).reduce<number>((count, grown, index) => {
        const time = (samples.times[index] ?? 0) * 1_000
        return time > from && time <= to ? count + (grown ?? 0) : count
      }, 0),
    0,
  )
}

/** Green's share of all answers, in percent, over windows of five samples. */
export function realisedShare(green: Values, blue: Values): Values {
  return green.map((_, index) => {
    const window = (values: Values) =>
      values.slice(Math.max(0, index - 4), index + 1).reduce<number>((a, b) => a + (b ?? 0), 0)
    const [g, b] = [window(green), window(blue)]
    return g + b > 0 ? (100 * g) / (g + b) : null
  })
}

/** Adds series point by point; null only where all are. */
export function sum(...series: Values[]): Values {
  return (series[0] ?? []).map((_, index) => {
    const present = series.map((values) => values[index] ?? null).filter((v) => v !== null)
    return present.length === 0 ? null : present.reduce((a, b) => a + b, 0)
  })
}
