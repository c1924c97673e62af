import type { Journal, Verdict } from './journal.ts'

/** When a gate is judged: a verdict of another position, attempt or plan says nothing of it. */
type Occasion = Pick<Verdict, 'position' | 'attempt' | 'planHash'> & { gate?: string }

/** The verdicts of one occasion, oldest first; of every gate where none is named. */
export function verdictsOf({ verdicts }: Pick<Journal, 'verdicts'>, occasion: Occasion): Verdict[] {
  const { gate, position, attempt, planHash } = occasion
  return verdicts.filter(
    (verdict) =>
      (gate === undefined || verdict.gate === gate) &&
      verdict.position === position &&
      verdict.attempt === attempt &&
      verdict.planHash === planHash,
  )
}
