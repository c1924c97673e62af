import { rollsBack } from './action.ts'
import {
  boundOf,
  formatMetric,
  isHeldFromBelow,
  isShare,
  metricName,
  type References,
} from './guardrail.ts'
import type { Guardrail, Metric } from './plan.ts'

/**
 * The sequential test: each answer of green is evidence for "healthy" or for "broken", and the
 * evidence is summed until it suffices (a CUSUM of log-likelihood ratios,
 * https://en.wikipedia.org/wiki/CUSUM). It needs no window and no minimum count: eight bad answers
 * in a row are enough against 5 %, and a thin fault is given the time that it needs.
 *
 *     S = max(0, S + (bad ? log(p1 / p0) : log((1 - p1) / (1 - p0))))    trips at S > h
 *
 * For a threshold t on the share of bad answers, healthy is p0 = 0.4 t and broken p1 = 2 t: about t
 * itself the sum neither rises nor falls.
 */
export interface Detector {
  metric: Metric
  /** The share of bad answers that the guardrail tolerates: t, 0 to 1. */
  tolerated: number
  /** Where the metric is a latency: an answer slower than so many seconds is a bad one. */
  slowerThan?: number
  /** Share of bad answers while healthy. */
  p0: number
  /** Share of bad answers while broken. */
  p1: number
  /** What a bad answer adds to the sum. */
  bad: number
  /** What a good answer adds to it; below 0. */
  good: number
  /** The sum at which it trips. */
  h: number
  /** What the guardrail says: `5%`, or `5% (p95 above 300ms (2x baseline))`. */
  threshold: string
}

/** What was seen so far, since the sum was last at 0. */
export interface Evidence {
  sum: number
  answers: number
  bad: number
}

/** Nothing seen yet. */
export const NO_EVIDENCE: Evidence = { sum: 0, answers: 0, bad: 0 }

/**
 * Mean number of answers between two false alarms, at the least, while the share of bad ones is p0
 * all along: 16 hours at 50 answers of green a second, so at most one of a hundred bakes of ten
 * minutes is spoiled. A green with fewer bad answers than p0 has far fewer false alarms.
 */
export const ANSWERS_BETWEEN_FALSE_ALARMS = 3_000_000

/** Below this no threshold counts: a single bad answer would trip. */
const LEAST_TOLERATED = 0.001

/** True when the sequential test judges a guardrail: it has no `for`, and it rolls back. */
export function judgesAtOnce(guardrail: Guardrail): boolean {
  return (
    guardrail.metric !== undefined &&
    !isHeldFromBelow(guardrail.metric) &&
    guardrail.above !== undefined &&
    guardrail.for === undefined &&
    rollsBack(guardrail)
  )
}

/**
 * The test for a guardrail.
 * @returns undefined where the guardrail is not for it ({@link judgesAtOnce}), where what a relative
 *   threshold refers to is not measured, and where the threshold tolerates everything
 */
export function detectorFor(
  guardrail: Guardrail,
  references: References = {},
): Detector | undefined {
  if (!judgesAtOnce(guardrail)) return undefined
  const bound = boundOf(guardrail, references)
  if (!bound) return undefined
  if (isShare(bound.metric)) {
    if (bound.value >= 1) return undefined
    return shareDetector(bound.metric, bound.value, bound.text)
  }
  // pXX above L is the same as: more than 1 - XX/100 of the answers are slower than L.
  const tail = TAIL[bound.metric] ?? 1
  const threshold = `${formatMetric('error-rate', tail)} (${bound.metric} above ${bound.text})`
  return { ...shareDetector(bound.metric, tail, threshold), slowerThan: bound.value }
}

/**
 * Whether an answer is a bad one to a detector.
 * @param answer `bad`: 5xx, none at all, or given by blue in green's place; `seconds` until it was
 *   complete, undefined where none came
 * @returns undefined where the answer says nothing: one that never came has no latency, one that
 *   green got from blue says nothing of green's own
 */
export function isBad(
  { metric, slowerThan }: Detector,
  answer: { bad: boolean; seconds?: number; fallback?: boolean },
): boolean | undefined {
  if (metric === 'fallback-rate') return answer.fallback ?? false
  // Given by blue in green's name: neither a success of green nor a failure.
  if (answer.fallback) return undefined
  if (slowerThan === undefined) return answer.bad
  return answer.seconds === undefined ? undefined : answer.seconds > slowerThan
}

/** Takes one more answer into account. */
export function step(
  detector: Detector,
  evidence: Evidence,
  bad: boolean,
): { state: Evidence; tripped: boolean } {
  const sum = evidence.sum + (bad ? detector.bad : detector.good)
  if (sum <= 0) return { state: NO_EVIDENCE, tripped: false }
  const state = {
    sum,
    answers: evidence.answers + 1,
    bad: evidence.bad + (bad ? 1 : 0),
  }
  return { state, tripped: sum > detector.h }
}

/** Both numbers in words: `error rate 100% over the last 8 answers` against `5%`. */
export function describe(
  detector: Detector,
  { answers, bad }: Evidence,
): { value: string; threshold: string } {
  const share = formatMetric('error-rate', answers === 0 ? 0 : bad / answers)
  const value =
    detector.slowerThan === undefined
      ? `${metricName(detector.metric)} ${share} over the last ${answers} answers`
      : `${share} of the last ${answers} answers slower than ${formatMetric(detector.metric, detector.slowerThan)}`
  return { value, threshold: detector.threshold }
}

/**
 * How many answers the test needs once green is at a share of bad ones: the statistical floor under
 * the time to detect it.
 * @param badShare 0 to 1
 * @returns `least`: all of them bad; `expected`: about so many on average (Wald's identity), from a
 *   sum of 0. Infinite where the share is tolerated, as the sum does not rise then.
 */
export function evidenceNeeded(
  { bad, good, h }: Detector,
  badShare: number,
): { least: number; expected: number } {
  const least = Math.floor(h / bad) + 1
  const drift = badShare * bad + (1 - badShare) * good
  if (!(drift > 0)) return { least, expected: Number.POSITIVE_INFINITY }
  return { least, expected: Math.max(least, h / drift) }
}

const TAIL: Partial<Record<Metric, number>> = { p50: 0.5, p95: 0.05, p99: 0.01 }

/**
 * The test for a share of bad answers.
 * @param share what is tolerated, 0 to 1
 * @param threshold the same in words
 */
export function shareDetector(metric: Metric, share: number, threshold: string): Detector {
  const tolerated = Math.max(share, LEAST_TOLERATED)
  const p0 = 0.4 * tolerated
  // Twice a third is two thirds of the way to all of them; beyond, halfway to all.
  const p1 = Math.min(2 * tolerated, (1 + tolerated) / 2)
  const bad = Math.log(p1 / p0)
  const good = Math.log((1 - p1) / (1 - p0))
  const drift = -(p0 * bad + (1 - p0) * good)
  return { metric, tolerated, p0, p1, bad, good, h: limit(drift), threshold }
}

/**
 * The h whose mean number of healthy answers between two trips is the documented one, by Wald's
 * identity without overshoot, (e^h - h - 1) / drift. The overshoot of a last, bad answer only adds
 * to the mean, so that the promise is kept.
 */
function limit(drift: number): number {
  const target = ANSWERS_BETWEEN_FALSE_ALARMS * drift
  let h = Math.log(target + 1)
  // h = log(target + h + 1) is a contraction; a few rounds settle it.
  for (let round = 0; round < 20; round++) h = Math.log(target + h + 1)
  return h
}
