import { formatMetric } from './guardrail.ts'
import type { Plan } from './plan.ts'
import {
  type Detector,
  describe,
  type Evidence,
  NO_EVIDENCE,
  shareDetector,
  step,
} from './sequential.ts'

/** Levels of escalation: who is told at which share of errors. */
export type Level = Plan['escalation'][number]

/**
 * The sequential test of a level, the same that judges a guardrail without `for`: one for each
 * level. A green that is at 0.4 of a level all along crosses it falsely once in three million
 * answers (ANSWERS_BETWEEN_FALSE_ALARMS), one with a tenth of a percent of errors practically
 * never. How many answers it takes where green is above: evidenceNeeded of its detector; 8 against
 * 5% while all are bad, about 50 at 20 %, about 240 at 8 %.
 */
export interface LevelTest {
  level: Level
  detector: Detector
}

/** What was seen against a level. */
export interface LevelState {
  evidence: Evidence
  /** True from the answer that crossed the level until the evidence is used up again. */
  above: boolean
}

/** Nothing seen yet. */
export const BELOW: LevelState = { evidence: NO_EVIDENCE, above: false }

/**
 * What is evidence enough when green was taken back already, by whatever: a likelihood ratio of 100
 * for "at twice the level" against "at 0.4 of it". Nothing more will come, and only people are told.
 * Of a hundred trips that something else brought about than errors at most one tells falsely of a
 * level, where green was at 0.4 of it.
 */
export const EVIDENCE_AT_TRIP = Math.log(100)

export function levelTest(level: Level): LevelTest {
  const threshold = formatMetric('error-rate', level.errors)
  return { level, detector: shareDetector('error-rate', level.errors, threshold) }
}

/**
 * Takes one more answer into account. A level that is crossed is crossed once: again only when good
 * answers have used up all the evidence, and new evidence has come.
 */
export function weigh(
  { detector }: LevelTest,
  { evidence, above }: LevelState,
  bad: boolean,
): { state: LevelState; crossed: boolean } {
  const { state, tripped } = step(detector, evidence, bad)
  const isAbove = tripped || (above && state.sum > 0)
  return {
    // However long green was ill, so many good answers are enough for it to be well.
    state: { evidence: { ...state, sum: Math.min(state.sum, detector.h) }, above: isAbove },
    crossed: tripped && !above,
  }
}

/** True where a level that nobody was told of has been crossed by what was seen up to a trip. */
export function crossedAtTrip({ evidence, above }: LevelState): boolean {
  return !above && evidence.sum > EVIDENCE_AT_TRIP
}

/** What is left after green's weight changed: that people know; the rest is of another weight. */
export function afterMove({ level }: LevelTest, state: LevelState): LevelState {
  return state.above && !level.rollback ? state : BELOW
}

/** Both numbers in words: `error rate 12% over the last 40 answers` against `10%`. */
export function describeLevel({ detector }: LevelTest, { evidence }: LevelState) {
  return describe(detector, evidence)
}
