import { createHash } from 'node:crypto'
import type { Metrics } from '../metrics.ts'

/** What is known of a candidate; what is missing counts as nothing. */
export interface Candidate {
  id?: string
  questionnaire_completeness?: number
  skills_count?: number
  mobility?: string
  max_distance?: number
  experience_years?: number
}

export type Algorithm = 'nexten_matcher' | 'smart_match' | 'enhanced_match' | 'v1_match'

/** The document's business rules: which algorithm matches a candidate. */
export function select(candidate: Candidate, nexten: boolean): Algorithm {
  const { questionnaire_completeness: complete = 0, skills_count: skills = 0 } = candidate
  if (nexten && complete >= 0.8 && skills >= 5) return 'nexten_matcher'
  if (candidate.mobility === 'local' && (candidate.max_distance ?? 100) <= 20) return 'smart_match'
  if ((candidate.experience_years ?? 0) >= 7) return 'enhanced_match'
  return nexten ? 'nexten_matcher' : 'smart_match'
}

/** A number from 0 to 1 that is always the same for one text. */
export function chance(text: string): number {
  return Number.parseInt(createHash('md5').update(text).digest('hex').slice(0, 8), 16) / 2 ** 32
}

/**
 * What became of matches: whether they were right, whether the user was satisfied, whether it led
 * to a contract. Counters, and shares of the last 500.
 */
export class Outcomes {
  readonly #metrics: Metrics
  readonly #last: Record<string, boolean>[] = []
  constructor(metrics: Metrics) {
    this.#metrics = metrics
    for (const name of ['judged', 'correct']) metrics.add(`match_${name}_total`, 0)
    for (const [gauge, key] of Object.entries({
      match_precision: 'correct',
      match_satisfaction: 'satisfied',
      match_conversion: 'converted',
      match_nexten_share: 'nexten',
      match_cache_hit_share: 'cached',
    })) {
      metrics.gauge(gauge, () => this.#share(key))
    }
  }

  add(outcome: Record<string, boolean>): void {
    this.#metrics.add('match_judged_total')
    if (outcome['correct']) this.#metrics.add('match_correct_total')
    this.#last.push(outcome)
    if (this.#last.length > 500) this.#last.shift()
  }

  #share(key: string): number | undefined {
    if (this.#last.length < 20) return undefined
    return this.#last.filter((outcome) => outcome[key]).length / this.#last.length
  }
}
