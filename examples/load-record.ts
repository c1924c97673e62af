import { createHistogram, type RecordableHistogram } from 'node:perf_hooks'
import type { Answer } from './load.ts'

/** `at` in milliseconds since the load began; `time` is the wall clock's, ISO 8601. */
export type LoadFailure = {
  at: number
  time: string
  reason: string
  version: string
  status: number
  user: string
}

/** Latencies in milliseconds, of complete answers whatever their status. */
export type VersionStats = {
  answered: number
  failed: number
  p50: number
  p95: number
  p99: number
}

/** What was sent, and what ended, within a second that is counted from the load's begin. */
export type LoadSecond = {
  second: number
  sent: number
  answered: number
  failed: number
  versions: Record<string, { answered: number; failed: number; p50: number; p95: number }>
}

export type LoadStats = {
  /** ISO 8601. */
  began: string
  sent: number
  /** Complete answers, whatever their status; `sent - answered` minus those without is in flight. */
  answered: number
  /** Status of 500 or more, no complete answer, or none in time. */
  failed: number
  /** By the answer's x-version; 'none' for answers without it and for requests without answer. */
  versions: Record<string, VersionStats>
  series: LoadSecond[]
  /** The first thousand. */
  failures: LoadFailure[]
}

type Tally = { answered: number; failed: number; histogram: RecordableHistogram }
type Second = Omit<LoadSecond, 'versions'> & { versions: Map<string, Tally> }

const mostFailures = 1000

const tally = (): Tally => ({
  answered: 0,
  failed: 0,
  // microseconds, up to ten minutes
  histogram: createHistogram({ lowest: 1, highest: 600_000_000, figures: 3 }),
})

const quantile = ({ answered, histogram }: Tally, percent: number) =>
  answered === 0 ? 0 : Math.round(histogram.percentile(percent) / 10) / 100

const count = (versions: Map<string, Tally>, { version, status, ms, reason }: Answer) => {
  let entry = versions.get(version)
  if (!entry) {
    entry = tally()
    versions.set(version, entry)
  }
  if (reason !== undefined) entry.failed += 1
  if (status === 0) return
  entry.answered += 1
  entry.histogram.record(Math.max(1, Math.round(ms * 1000)))
}

const ofSecond = ({ versions, ...second }: Second): LoadSecond => ({
  ...second,
  versions: Object.fromEntries(
    [...versions].map(([version, entry]) => {
      const { answered, failed } = entry
      return [version, { answered, failed, p50: quantile(entry, 50), p95: quantile(entry, 95) }]
    }),
  ),
})

/** Adds up a load's outcomes; `begin` is performance.now() at its start. */
export const createRecord = (begin: number) => {
  const began = Date.now()
  const versions = new Map<string, Tally>()
  const closed: LoadSecond[] = []
  const failures: LoadFailure[] = []
  const fresh = (second: number): Second => ({
    second,
    sent: 0,
    answered: 0,
    failed: 0,
    versions: new Map(),
  })
  const totals = { sent: 0, answered: 0, failed: 0 }
  let current = fresh(0)

  // A second that is over is kept as numbers only; a histogram a second would fill the memory.
  const secondAt = (at: number) => {
    const second = Math.floor((at - begin) / 1000)
    while (current.second < second) {
      closed.push(ofSecond(current))
      current = fresh(current.second + 1)
    }
    return current
  }

  return {
    sent(at: number) {
      totals.sent += 1
      secondAt(at).sent += 1
    },
    answer(answer: Answer) {
      const { at, version, status, user, reason } = answer
      const second = secondAt(at)
      if (status !== 0) {
        totals.answered += 1
        second.answered += 1
      }
      if (reason !== undefined) {
        totals.failed += 1
        second.failed += 1
        if (failures.length < mostFailures) {
          const since = Math.round((at - begin) * 10) / 10
          const time = new Date(began + since).toISOString()
          failures.push({ at: since, time, reason, version, status, user })
        }
      }
      count(versions, answer)
      count(second.versions, answer)
    },
    stats: (): LoadStats => ({
      began: new Date(began).toISOString(),
      ...totals,
      versions: Object.fromEntries(
        [...versions].map(([version, entry]) => {
          const { answered, failed } = entry
          const [p50, p95, p99] = [50, 95, 99].map((each) => quantile(entry, each))
          return [version, { answered, failed, p50: p50!, p95: p95!, p99: p99! }]
        }),
      ),
      series: [...closed, ofSecond(current)],
      failures: [...failures],
    }),
  }
}
