import { formatDuration } from './duration.ts'
import type { Judgement } from './judgement.ts'
import type { Gate } from './plan.ts'
import { formatValue } from './threshold.ts'

export type LoadGate = NonNullable<Gate['load']>

const LEAST_RATE = 10
const MOST_RATE = 500
const LEAST_MS = 2_000
/** Whatever the plan asks for: a load ends. */
const MOST_REQUESTS = 200_000

/** What is sent to one green. */
export interface LoadPlan {
  /** Requests a second. */
  rate: number
  forMs: number
  requests: number
  /** In words: what the rate is a multiple of, and where it was cut. */
  note: string
}

/**
 * How much load a gate asks for: so many times what blue was seen to answer, between 10 and 500 a
 * second, for the plan's time on its clock, 2 s at least.
 * @param rate of blue before the first step; undefined where nothing was recorded
 */
export function planLoad(load: LoadGate, rate: number | undefined, clock: number): LoadPlan {
  const wanted = load.times * (rate ?? 0)
  const sent = Math.min(Math.max(wanted, LEAST_RATE), MOST_RATE)
  const forMs = Math.max(load.for / clock, LEAST_MS)
  const requests = Math.min(Math.ceil((sent * forMs) / 1_000), MOST_REQUESTS)
  const base = `${load.times} times ${round(rate ?? 0)}/s`
  const note =
    sent === wanted ? base : `${base}, ${sent > wanted ? 'but at least' : 'but at most'} ${sent}/s`
  return { rate: sent, forMs: Math.min(forMs, (requests / sent) * 1_000), requests, note }
}

/** What came of a load. */
export interface LoadResult {
  /** Sent, and those that could not be sent because too many had no answer yet. */
  requests: number
  /** A 5xx, no answer, or not sent. */
  errors: number
  /** Seconds from the moment at which each was due until its answer stood, of those with one. */
  seconds: readonly number[]
  tookMs: number
}

/** Judges a load by its share of errors, and by p95 where the gate says one. */
export function judgeLoad(load: LoadGate, planned: LoadPlan, result: LoadResult): Judgement {
  const { requests, errors, seconds } = result
  if (requests < planned.requests || requests === 0) {
    return {
      result: 'inconclusive',
      reason: `${requests} of ${planned.requests} requests were sent`,
    }
  }
  const share = errors / requests
  const p95 = quantile(seconds, 0.95)
  const slow = load.p95 !== undefined && (p95 === undefined || p95 * 1_000 > load.p95)
  const measured = [
    `${requests} requests in ${formatDuration(Math.round(result.tookMs))} (${planned.note})`,
    `errors ${formatValue(share, 'ratio')}, at most ${formatValue(load.errors, 'ratio')}`,
    `p95 ${p95 === undefined ? 'of nothing' : formatDuration(p95 * 1_000)}${load.p95 === undefined ? '' : `, at most ${formatDuration(load.p95)}`}`,
  ]
  return {
    result: share > load.errors || slow ? 'failed' : 'passed',
    reason: measured.join('; '),
  }
}

function quantile(values: readonly number[], share: number): number | undefined {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
