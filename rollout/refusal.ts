/** One thing that holds a move: where it stands, what was found there, and what to type. */
export interface Refusal {
  code:
    | 'unknown-position'
    | 'first-deployment'
    | 'unavailable'
    | 'journal-missing'
    | 'latched'
    | 'attempt'
    | 'landing'
    | 'two-ahead'
    | 'plan-edited'
    | 'passed-edited'
    | 'drift'
    | 'bake'
    | 'evidence'
    | 'baseline'
    | 'gate'
    | 'unconfirmed'
    | 'alarm'
    | 'guard'
    | 'backup'
    | 'blue'
    | 'descending'
    | 'operation'
    | 'investigation'
    | 'environment'
  /** A config key, a name of the plan, or a part of the platform. */
  place: string
  /** What was found, with its numbers. */
  message: string
  /** The next command, or the line of config to change. */
  next: string
}

/** One paragraph for people: the move, then everything that holds it. */
export function describeRefusals(
  move: string,
  change: string,
  refusals: readonly Refusal[],
): string {
  const count = refusals.length === 1 ? 'one thing' : `${refusals.length} things`
  const lines = refusals.map(
    (refusal, index) =>
      `  ${index + 1}. ${refusal.place}: ${refusal.message}\n     next: ${refusal.next}`,
  )
  return [`${move} is held by ${count} (weights asked for: ${change})`, ...lines].join('\n')
}
