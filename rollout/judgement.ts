/** What is said of a gate, with the numbers behind it. */
export interface Judgement {
  result: 'passed' | 'failed' | 'inconclusive'
  reason: string
  /** The services that it failed for; undefined: the gate does not tell them apart. */
  services?: string[]
  /** True where rows are gone: that rolls back, whatever the guardrail says of other failures. */
  lost?: boolean
}

/** Several services' verdicts on one gate: one failure fails it, and all must pass. */
export function together(judgements: readonly [service: string, Judgement][]): Judgement {
  const results = judgements.map(([, { result }]) => result)
  const failed = judgements.filter(([, { result }]) => result === 'failed')
  const reasons = judgements.map(([service, { reason }]) =>
    judgements.length === 1 ? reason : `${service}: ${reason}`,
  )
  const reason = reasons.join('; ') || 'no service has traffic on green'
  if (failed.length > 0) {
    return { result: 'failed', reason, services: failed.map(([service]) => service) }
  }
  const open = results.length === 0 || results.includes('inconclusive')
  return { result: open ? 'inconclusive' : 'passed', reason }
}

/** Named in a reason; what is more is counted. */
const NAMED_IN_REASON = 3

/** The first few of a list, and how many more there are. */
export function firstOf(items: readonly string[], named = NAMED_IN_REASON): string {
  const more = items.length - named
  return `${items.slice(0, named).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** Rounded down: 999 of 1000 and a half are not all. */
export function shareText(share: number): string {
  return `${Math.floor(share * 10_000 + 1e-6) / 100}%`
}
