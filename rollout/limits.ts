import { formatSpan } from './duration.ts'
import type { Plan } from './plan.ts'
import { type Scope, servicesInScope } from './positions.ts'

/** A promised time of the plan. */
export type LimitName = keyof Plan['limits']

/**
 * What is measured from its trigger to its end. That of a flag is the flag file being written: how
 * soon a service reads it no hook can see.
 */
export type Measured = Scope | 'flag' | 'database' | 'disaster'

/** A time that was measured, held against what the plan promises. */
export interface Held {
  limit: LimitName
  promisedMs: number
  tookMs: number
  kept: boolean
}

/**
 * Which limits a measured time is held against. A rollback of everything keeps what is promised
 * for the traffic too, and each rollback of traffic is one of the code.
 */
const APPLIES: Record<Measured, LimitName[]> = {
  service: ['service', 'code'],
  phase: ['phase', 'code'],
  plan: ['traffic', 'plan', 'code'],
  flag: ['flag'],
  database: ['database'],
  disaster: ['disaster'],
}

/**
 * Holds a measured time against the plan. What is several things at once is held against the limits
 * of each.
 * @param tookMs from the trigger to the end, of the real clock
 * @returns one entry a limit that the plan has and that applies; none where it promises nothing
 */
export function heldAgainst(
  plan: Pick<Plan, 'limits'> | undefined,
  what: Measured | readonly Measured[],
  tookMs: number,
): Held[] {
  const names = [what].flat().flatMap((each) => APPLIES[each])
  return [...new Set(names)].flatMap((limit) => {
    const promisedMs = plan?.limits?.[limit]
    return promisedMs === undefined
      ? []
      : [{ limit, promisedMs, tookMs, kept: tookMs <= promisedMs }]
  })
}

/**
 * What a rollback takes back: a service where nobody says how much, the plan where none is named. One
 * that takes every service of the plan back is one of the plan too.
 */
export function scopesOf(
  { service, scope = 'service' }: { service?: string; scope?: Scope },
  plan?: Plan,
): Scope[] {
  if (service === undefined || scope === 'plan') return ['plan']
  const everything =
    plan !== undefined &&
    servicesInScope(plan, scope, service).length === Object.keys(plan.services).length
  return everything ? [scope, 'plan'] : [scope]
}

/**
 * How long it took and what was promised, for people.
 * @example '1s (limit service 30s: kept)'
 */
export function describeHeld(tookMs: number, held: readonly Held[]): string {
  const told = held.map(
    ({ limit, promisedMs, kept }) =>
      `limit ${limit} ${formatSpan(promisedMs)}: ${kept ? 'kept' : 'NOT KEPT'}`,
  )
  return told.length > 0 ? `${formatSpan(tookMs)} (${told.join(', ')})` : formatSpan(tookMs)
}
