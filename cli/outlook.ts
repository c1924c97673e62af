import { acknowledgement, admit, describeTrip } from '../rollout/admission.ts'
import { acknowledges, type Latch } from '../rollout/latch.ts'
import { journalOf, latchOf, type Observation } from '../rollout/observation.ts'
import { findPosition, type Position, positionsOf } from '../rollout/positions.ts'
import type { Refusal } from '../rollout/refusal.ts'
import type { Request } from '../rollout/request.ts'

/** Where a rollout is about to go, and what holds it. */
export interface Outlook {
  /** Where it stands; undefined where nothing is deployed or the journal cannot be read. */
  standing?: Position
  /** The next position; undefined at the end. */
  next?: Position
  /** Everything that holds the step to it. */
  refusals: Refusal[]
  /** Backups that the step will take first. */
  backupsDue: string[]
  /** `huntred: blue 90 → 75, green 10 → 25` */
  change: string
}

/**
 * Looks at the next position of a rollout: would it be admitted now? Pure.
 *
 * @param lastAttempt the attempt of the last update, as admission takes it
 */
export function outlookOf(
  request: Request,
  observation: Observation,
  lastAttempt: number | undefined,
): Outlook {
  const positions = positionsOf(request.plan)
  const journal = journalOf(observation)
  const latch = latchOf(observation)
  const landing =
    latch && acknowledges(latch, request.attempt, lastAttempt)
      ? (latch.trip?.landing ?? 'start')
      : undefined
  const standing = journal
    ? findPosition(positions, landing ?? journal.verified.position)
    : undefined
  const next =
    journal || !isFresh(observation) ? positions[(standing?.index ?? 0) + 1] : positions[0]
  if (!next) return { standing, refusals: [], backupsDue: [], change: '' }
  const asked = { ...request, position: next.name }
  const decided = admit(asked, observation, 'preview', lastAttempt)
  // An admission answers a latched rollout with what stays; for a step that is a refusal.
  const held =
    latch?.latched && !landing && decided.refusals.length === 0
      ? [latchedRefusal(latch, request.attempt)]
      : decided.refusals
  return {
    standing,
    next,
    refusals: held,
    backupsDue: decided.backupsDue,
    change: decided.change,
  }
}

/** True where nothing was deployed yet. */
export function isFresh({ deployed, journal, latch }: Observation): boolean {
  return !deployed || (journal === 'missing' && latch === 'missing')
}

/**
 * What acknowledges a latch, as commands.
 * @param early true where the attempt was raised before the trip: it has to be taken back first
 */
export function acknowledgingLines(latch: Latch, early = false): string[] {
  return [
    ...(early ? [`pulumi config set sluice:attempt ${latch.attempt}`, 'pulumi up'] : []),
    `pulumi config set sluice:attempt ${latch.trips + 1}`,
    `pulumi config set sluice:step ${latch.trip?.landing ?? 'start'}`,
  ]
}

/** True where the attempt that would acknowledge was asked for by an update before the trip. */
export function isEarly(latch: Latch, attempt: number, lastAttempt: number | undefined): boolean {
  return acknowledges(latch, attempt) && !acknowledges(latch, attempt, lastAttempt)
}

const PASSES_BY_ITSELF = new Set<Refusal['code']>(['bake', 'evidence', 'baseline', 'gate', 'alarm'])

/** The refusals that no waiting takes away: somebody has to do something. */
export function lasting(refusals: readonly Refusal[], observation: Observation): Refusal[] {
  const journal = journalOf(observation)
  return refusals.filter(({ code, place }) => {
    if (!PASSES_BY_ITSELF.has(code)) return true
    if (code !== 'gate' || !journal) return false
    const verdict = journal.verdicts.findLast(
      ({ gate, position, attempt }) =>
        `gates.${gate}` === place &&
        position === journal.verified.position &&
        attempt === journal.attempt,
    )
    return verdict?.result === 'failed'
  })
}

/** What will happen next, in words. */
export interface Advice {
  happens: string
  /** What to type, line after line. */
  type: string[]
  /** One command that does all of it. */
  instead?: string
}

/** What will happen next, and what to type. Pure. */
export function advise(
  request: Request,
  observation: Observation,
  outlook: Outlook,
  lastAttempt: number | undefined,
): Advice {
  const latch = latchOf(observation)
  const journal = journalOf(observation)
  const positions = positionsOf(request.plan)
  const asked = findPosition(positions, request.position)
  if (latch?.latched && !acknowledges(latch, request.attempt, lastAttempt)) {
    const early = isEarly(latch, request.attempt, lastAttempt)
    return {
      happens: early
        ? `nothing rises: sluice:attempt was ${request.attempt} before trip ${latch.trips} happened, and acknowledges nothing unseen`
        : 'nothing rises until the rollback is acknowledged',
      type: [...acknowledgingLines(latch, early), 'pulumi up'],
      instead: 'sluice retry',
    }
  }
  if (latch?.latched) {
    return {
      happens: `the config acknowledges trip ${latch.trips}; the next update takes the latch off`,
      type: ['pulumi up'],
    }
  }
  if (!asked) {
    return {
      happens: `sluice:step: "${request.position}" is no position of the plan; it has ${positions.map(({ name }) => name).join(', ')}`,
      type: [`pulumi config set sluice:step ${journal?.verified.position ?? 'start'}`],
    }
  }
  if (isFresh(observation)) {
    return { happens: 'the first update deploys, with green at 0', type: ['pulumi up'] }
  }
  if (!journal) return { happens: 'nothing rises without a journal', type: ['sluice doctor'] }
  if (journal.intent) {
    return {
      happens: `a move to ${journal.intent.position} is in flight, or was interrupted`,
      type: ['pulumi up'],
    }
  }
  if (asked.name !== journal.verified.position) {
    const ahead = asked.index === (outlook.standing?.index ?? -1) + 1
    const held = ahead && outlook.refusals.length > 0
    return {
      happens: `sluice:step asks for ${asked.name}${held ? `, held by ${outlook.refusals.map(({ code }) => code).join(', ')}` : ''}`,
      type: held ? [...new Set(outlook.refusals.map(({ next }) => next))] : ['pulumi up'],
    }
  }
  if (!outlook.next) return { happens: 'nothing: the rollout is at its end', type: [] }
  const name = outlook.next.name
  const blocking = lasting(outlook.refusals, observation)
  if (blocking.length > 0) {
    return {
      happens: `${name} is held by ${blocking.map(({ place, message }) => `${place} (${message})`).join('; ')}`,
      type: [...new Set(blocking.map(({ next }) => next))],
    }
  }
  if (outlook.refusals.length > 0) {
    return {
      happens: `${name} waits for ${outlook.refusals.map(({ code }) => code).join(', ')}`,
      type: ['sluice advance --wait'],
    }
  }
  const backups =
    outlook.backupsDue.length > 0
      ? `, after a backup of ${outlook.backupsDue.join(', ')} is taken and verified`
      : ''
  return { happens: `${name} is free: ${outlook.change}${backups}`, type: ['sluice advance'] }
}

function latchedRefusal(latch: Latch, attempt: number): Refusal {
  return {
    code: 'latched',
    place: 'sluice:attempt',
    message: `latched: ${describeTrip(latch)}`,
    next: acknowledgement(latch, attempt),
  }
}
