import { EVERY_MS, THROUGH } from '../rollout/action.ts'
import type { Plan } from '../rollout/plan.ts'
import type { SoFar } from '../rollout/rollback-limits.ts'
import { phasesOf } from '../rollout/services.ts'
import type { Operations, TripCause } from './operations.ts'
import { Refused, type RollbackCommand, type RollbackReport } from './platform.ts'

/**
 * A person's rollback as the cause of a trip.
 * @throws Refused naming the services or phases there are, where it names another
 */
export function causeOfCommand(
  plan: Plan | undefined,
  { by, reason, service, phase, progressively, askedAt }: RollbackCommand,
): TripCause {
  const pace = progressively ? { through: THROUGH, everyMs: EVERY_MS } : ('immediately' as const)
  const base = {
    cause: 'rollback',
    value: `asked for by ${by}`,
    threshold: '-',
    reason: `${by} rolled back${reason ? `: ${reason}` : ''}`,
    pace,
    ...(askedAt === undefined ? {} : { triggeredAt: askedAt }),
  }
  if (service === undefined && phase === undefined) return base
  if (!plan) throw new Refused('no plan is known here, so only everything can go back')
  if (service !== undefined && phase !== undefined) {
    throw new Refused('give a service or a phase, not both')
  }
  if (service !== undefined) {
    const known = Object.keys(plan.services)
    if (known.includes(service)) return { ...base, service, scope: 'service' }
    throw new Refused(`"${service}" is no service of ${plan.name}; it has ${known.join(', ')}`)
  }
  const phases = phasesOf(plan)
  const [first] = phases.find(({ name }) => name === phase)?.services ?? []
  if (first !== undefined) return { ...base, service: first, scope: 'phase' }
  const names = phases.map(({ name }) => name).join(', ')
  throw new Refused(`"${phase}" is no phase of ${plan.name}; it has ${names}`)
}

/** Rolls back for a person, measured from the command to green read back. */
export async function rollBackFor(
  operations: Pick<Operations, 'trip' | 'soFar'>,
  plan: Plan | undefined,
  command: RollbackCommand,
  via: RollbackReport['via'],
  started = performance.now(),
): Promise<RollbackReport> {
  const cause = causeOfCommand(plan, command)
  const done = await operations.trip(cause)
  const tookMs = tookSince(command, started)
  return { ...done, tookMs, via, ...(await soFarOf(operations, command, cause, done, tookMs)) }
}

/** What is promised for a person's rollback, as far as it is done; nothing step by step. */
export async function soFarOf(
  operations: Pick<Operations, 'soFar'>,
  { progressively }: RollbackCommand,
  cause: TripCause,
  { weights }: Pick<RollbackReport, 'weights'>,
  tookMs: number,
): Promise<SoFar> {
  if (progressively) return { limits: [], waitsFor: [] }
  return operations.soFar(cause, weights, tookMs)
}

/**
 * ms from the command until now.
 * @param started of the monotonic clock, for a command that does not say when it was given
 */
export function tookSince({ askedAt }: RollbackCommand, started: number): number {
  if (askedAt !== undefined) return Math.max(0, Date.now() - Date.parse(askedAt))
  return Math.round((performance.now() - started) * 10) / 10
}
