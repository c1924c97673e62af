import { formatMetric } from './guardrail.ts'
import type { Measurement } from './journal.ts'
import type { Plan } from './plan.ts'

/** Levels of escalation: who is told at which share of errors. */
export type Level = Plan['escalation'][number]

/** How much of green's answers is looked at, ms of the real clock. */
export const ESCALATION_WINDOW_MS = 10_000
/** Fewer answers than this say nothing of a share. */
export const ESCALATION_EVIDENCE = 20

/** What an escalation has come to. */
export interface Escalated {
  /** The numbers of the levels that the share of errors is above; to be given back at the next look. */
  above: number[]
  /** Those that it was not above at the last look: they are told now. */
  crossed: Level[]
  /** True while it is above a level that rolls back. */
  rollsBack: boolean
  /** `error rate 12% over 40 answers` */
  value: string
}

/**
 * The levels that green's errors have crossed since the last look. Each is told once for a crossing:
 * again only after the share was at it or below. Too few answers change nothing.
 * @param before what was above at the last look
 */
export function escalate(
  levels: readonly Level[],
  before: readonly number[],
  { requests, errors, fallbacks = 0 }: Measurement,
): Escalated {
  const answers = requests - fallbacks
  if (answers < ESCALATION_EVIDENCE) {
    return { above: [...before], crossed: [], rollsBack: false, value: `${answers} answers` }
  }
  const share = errors / answers
  const above = levels.flatMap((level, index) => (share > level.errors ? [index] : []))
  return {
    above,
    crossed: levels.filter((_, index) => above.includes(index) && !before.includes(index)),
    rollsBack: above.some((index) => levels[index]?.rollback),
    value: `error rate ${formatMetric('error-rate', share)} over ${answers} answers`,
  }
}
