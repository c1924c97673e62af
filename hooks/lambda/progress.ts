import type { Journal, Measurement } from '../../rollout/journal.ts'
import { type ServiceWeights, sameWeights } from '../../rollout/weights.ts'

/** What came since the run before. */
export interface Since {
  /** The journal that the measurements belong to. */
  journal: Journal
  live: ServiceWeights
  now: Date
  /** When the run before was; undefined where it was too long ago, or knew too little, to count. */
  from?: Date
  green: Record<string, Measurement>
  /** What blue measured before the first step; empty after it. */
  blue: Record<string, Measurement>
}

/**
 * The journal with what came since the run before. Time counts between two runs that are no further
 * apart than a hook that is alive may be, from the move on, and only at the verified weights. A
 * journal that has moved meanwhile is left as it is. Pure.
 */
export function counted(current: Journal, since: Since): Journal {
  const { journal, live, now, from, green, blue } = since
  if (current.verified.at !== journal.verified.at || current.attempt !== journal.attempt) {
    return current
  }
  const stands = current.intent === undefined && sameWeights(current.weights, live)
  const begun = from && Math.max(from.getTime(), Date.parse(current.verified.at))
  const ms = stands && begun !== undefined ? Math.max(0, now.getTime() - begun) : 0
  const baselines = Object.entries(blue).filter(
    ([service, { requests }]) =>
      requests >= current.plan.minimumRequests &&
      requests >= (current.baselines[service]?.requests ?? 0),
  )
  return {
    ...current,
    guardedMs: current.guardedMs + ms,
    green,
    baselines: { ...current.baselines, ...Object.fromEntries(baselines) },
  }
}
