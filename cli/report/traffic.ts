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

/** A counter's growth per second, over the second before each sample. */
export function rates(times: readonly number[], counter: Values): Values {
  const grown = growth(counter)
  return grown.map((own, index) => {
    if (own === null) return null
    let sum = 0
    let first = index
    while (first > 0 && grown[first] !== null && times[index]! - times[first]! < 1) {
      sum += grown[first] ?? 0
      first -= 1
    }
    const seconds = times[index]! - times[first]!
    return seconds > 0 ? sum / seconds : null
  })
}

/** Requests of a colour between two moments, ms; what lies about a boundary counts in parts. */
export function countBetween(
  samples: Samples,
  labels: { color: string; outcome?: string },
  from: number,
  to: number,
): number {
  const matching = samples.requests.filter((series) =>
    Object.entries(labels).every(([key, value]) => series.labels[key] === value),
  )
  const share = (index: number) => {
    const end = samples.times[index]! * 1_000
    const begin = (samples.times[index - 1] ?? samples.times[index]!) * 1_000
    const within = Math.min(end, to) - Math.max(begin, from)
    return end > begin ? Math.max(0, within) / (end - begin) : 0
  }
  const grownIn = (values: Values) =>
    growth(values).reduce<number>((sum, grown, at) => sum + (grown ?? 0) * share(at), 0)
  return matching.reduce((sum, { values }) => sum + grownIn(values), 0)
}

/** Green's share of all answers, in percent, over windows of twenty samples. */
export function realisedShare(green: Values, blue: Values): Values {
  return green.map((_, index) => {
    const window = (values: Values) =>
      values.slice(Math.max(0, index - 19), index + 1).reduce<number>((a, b) => a + (b ?? 0), 0)
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
