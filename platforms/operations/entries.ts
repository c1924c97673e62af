import { announcementText } from '../../rollout/announcement.ts'
import type { Checkpoint, Journal } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { allBlue, rising, type ServiceWeights } from '../../rollout/weights.ts'

/** What is written into a journal when something has happened. Pure. */

/** True where the rollout is released: latch and guard are disarmed, alarms only notify. */
export function isDisarmed(journal: Journal): boolean {
  const kind = findPosition(positionsOf(journal.plan), journal.verified.position)?.kind
  return kind === 'released' || kind === 'retired'
}

/** The journal of a first deployment. */
export function newJournal(request: Request, at: string): Journal {
  return {
    plan: request.plan,
    planHash: request.planHash,
    clock: request.clock,
    verified: { position: 'start', at },
    weights: allBlue(Object.keys(request.plan.services)),
    attempt: request.attempt,
    guardedMs: 0,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
  }
}

/** A position has been read back: its bake begins, and what was judged at a former one there is over. */
export function arrived(
  journal: Journal,
  position: string,
  weights: ServiceWeights,
  at: string,
): Journal {
  const { intent: _done, ...rest } = journal
  const verdicts = journal.verdicts.filter(
    (verdict) => verdict.position !== position || verdict.attempt !== journal.attempt,
  )
  return { ...rest, verified: { position, at }, weights, guardedMs: 0, green: {}, verdicts }
}

/** A rollback stands where it landed. */
export function landed(journal: Journal, latch: Latch, attempt: number, at: string): Journal {
  const landing = findPosition(positionsOf(journal.plan), latch.trip?.landing ?? 'start')
  const weights = landing?.weights ?? allBlue(Object.keys(journal.plan.services))
  return { ...arrived(journal, landing?.name ?? 'start', weights, at), attempt }
}

/** What is told when a position is left going forward: a phase that is finished, or the start. */
export interface Finished {
  message: string
  /** The channels that the plan names for it; undefined where it names none. */
  notify?: string[]
}

/** @returns undefined where what is left is neither the last step of a phase nor the start */
export function finishedBy(journal: Journal, toIndex: number): Finished | undefined {
  const { plan } = journal
  const left = findPosition(positionsOf(plan), journal.verified.position)
  if (!left || toIndex <= left.index) return undefined
  if (left.kind === 'start') {
    const { announce } = plan.start
    const services = Object.keys(plan.services)
    return (
      announce && {
        message: announcementText(announce.text, services, journal),
        notify: announce.to,
      }
    )
  }
  if (!left.endsPhase || left.phase === undefined) return undefined
  const phase = plan.phases?.find(({ name }) => name === left.phase)
  const announce = phase?.announce
  const what = `phase ${left.phase} is finished at ${left.name}`
  const services = phase?.services ?? Object.keys(plan.services)
  const textOf = (text: string) => announcementText(text, services, journal)
  return announce
    ? { message: `${textOf(announce.text)} (${what})`, notify: announce.to }
    : { message: what }
}

/** A phase that is left going forward leaves a checkpoint. */
export function withCheckpoint(journal: Journal, toIndex: number, at: string): Journal {
  const left = findPosition(positionsOf(journal.plan), journal.verified.position)
  if (!left?.endsPhase || left.phase === undefined || toIndex <= left.index) return journal
  const checkpoint: Checkpoint = {
    phase: left.phase,
    position: left.name,
    attempt: journal.attempt,
    at,
    weights: journal.weights,
    gates: journal.verdicts
      .filter(
        ({ position, attempt, result }) =>
          position === left.name && attempt === journal.attempt && result === 'passed',
      )
      .map(({ gate }) => gate),
  }
  return { ...journal, checkpoints: [...(journal.checkpoints ?? []), checkpoint] }
}

/** Live between two positions: the rollout stands at the last one that gives no green more. */
export function standingAt(plan: Plan, weights: ServiceWeights): string {
  const standing = positionsOf(plan)
    .filter((position) => position.kind === 'start' || position.kind === 'step')
    .findLast((position) => rising(weights, position.weights).length === 0)
  return standing?.name ?? 'start'
}
