import { alarmCriterion, criteriaOf, guardCriterion } from './criteria.ts'
import { canonical } from './hash.ts'
import type { Journal } from './journal.ts'
import { acknowledges, type Latch, missingLatch } from './latch.ts'
import type { Move } from './move.ts'
import { isUnavailable, journalOf, type Observation } from './observation.ts'
import { findPosition, type Position, positionsOf } from './positions.ts'
import type { Refusal } from './refusal.ts'
import type { Request } from './request.ts'
import {
  allBlue,
  anyGreen,
  describeChange,
  greenOf,
  lower,
  rising,
  type ServiceWeights,
} from './weights.ts'

/** What an update may do to the weights, and why. */
export interface Admission {
  /** The position asked for; undefined where the plan has none of that name. */
  position?: string
  /** The position the rollout stands at. */
  standsAt: string
  direction: 'rise' | 'fall' | 'stay'
  from: ServiceWeights
  asked: ServiceWeights
  /** What the weights may be set to. */
  permitted: ServiceWeights
  refusals: Refusal[]
  /** What people should know although it does not hold the move. */
  warnings: string[]
  /** Backups that are stale: they are taken and verified before the weights move. */
  backupsDue: string[]
  /** True when this update takes the latch off. */
  acknowledges: boolean
  /** `blue 90 → 75, green 10 → 25` */
  change: string
}

/**
 * Decides what an update may do. A fall, a repair and a stay always go through; a rise and a
 * forward move are held by everything that {@link criteriaOf} finds, all named at once.
 *
 * @param lastAttempt the attempt of the last update in the engine's state; undefined before the first
 */
export function admit(
  request: Request,
  observation: Observation,
  stage: 'preview' | 'apply',
  lastAttempt?: number,
): Admission {
  const positions = positionsOf(request.plan)
  const target = findPosition(positions, request.position)
  const services = Object.keys(request.plan.services)
  const none = allBlue(services)
  const live = isUnavailable(observation.live) ? undefined : { ...none, ...observation.live }
  const known = journalOf(observation)
  const from = live ?? known?.weights ?? none
  const base = {
    standsAt: known?.verified.position ?? 'nowhere yet',
    from,
    warnings: [] as string[],
    backupsDue: [] as string[],
    acknowledges: false,
  }
  if (!target) {
    const refusal = unknownPosition(request, positions)
    return { ...base, ...outcome('stay', from, from, from), refusals: [refusal] }
  }
  const asked = target.weights
  const goes = directionOf(from, asked)
  const held = (refusals: Refusal[]): Admission => ({
    ...base,
    position: target.name,
    ...outcome(goes, from, asked, from),
    refusals,
  })
  const open = (permitted: ServiceWeights, warnings: string[] = []): Admission => ({
    ...base,
    position: target.name,
    ...outcome(goes, from, asked, permitted),
    refusals: [],
    warnings,
  })

  const fresh = lastAttempt === undefined && observation.journal === 'missing'
  if (!observation.deployed && fresh) {
    if (target.kind === 'start') return open(none)
    return held([firstDeployment(target)])
  }
  // The hook stands, but the first deployment has not come to its weights yet.
  if (fresh && observation.latch === 'missing' && !anyGreen(live ?? none)) {
    if (target.kind === 'start') return open(none)
    return held([firstDeployment(target)])
  }

  const latch = effectiveLatch(observation, known, lastAttempt, none)
  const edited = known ? editOfPassed(request, known, target, from) : undefined
  if (known && edited) {
    // Whatever else holds it, the edit aside, belongs into the same refusal.
    const unedited = { ...request, planHash: known.planHash }
    return held([edited, ...admit(unedited, observation, stage, lastAttempt).refusals])
  }

  const acknowledged = latch !== undefined && acknowledges(latch, request.attempt, lastAttempt)
  if (latch?.descent && acknowledged) return held([stillDescending(latch, from)])
  if (latch?.latched && !acknowledged) {
    // Of a latch that is missing nobody knows where it tripped: where the journal stands is near.
    const tripped =
      findPosition(positions, latch.trip?.position ?? 'start') ??
      (known && findPosition(positions, known.verified.position))
    const permitted = lower(asked, lower(from, { ...from, ...latch.ceiling }))
    if (tripped && target.index > tripped.index) {
      return held([latchedRefusal(request, latch)])
    }
    return {
      ...open(permitted, [latchedWarning(request, latch)]),
      direction: directionOf(from, permitted),
    }
  }

  const standing = standingPosition(positions, known, latch, acknowledged)
  // Where nobody knows what the rollout stands at, only what the weights cannot show is forward.
  const forward = standing
    ? target.index > standing.index
    : target.kind !== 'start' && target.kind !== 'step'
  const up = rising(from, asked)
  // Admission refuses only what would rise or go forward: the way back is always open.
  if (up.length === 0 && !forward) return { ...open(asked), acknowledges: acknowledged }

  const missing = unreadable(observation)
  if (known && !standing) missing.push(standsNowhere(known))
  if (missing.length > 0 || !known || !latch || !standing || !live) {
    return held([
      ...missing,
      ...guardCriterion({ observation }),
      ...alarmCriterion({ observation }),
    ])
  }

  const move: Move = {
    request,
    observation,
    positions,
    target,
    standing,
    journal: known,
    latch,
    live,
    rising: up,
    forward,
    stage,
  }
  const { refusals, backupsDue } = criteriaOf(move)
  if (refusals.length > 0) return { ...held(refusals), standsAt: standing.name, backupsDue }
  return {
    ...open(asked),
    standsAt: standing.name,
    backupsDue,
    acknowledges: acknowledged,
  }
}

/** What a preview says without the platform: state and request, and that nothing was checked. */
export function admitUnchecked(request: Request, from: ServiceWeights): Admission {
  const positions = positionsOf(request.plan)
  const target = findPosition(positions, request.position)
  const asked = target?.weights ?? from
  const gates = Object.keys(request.plan.gates)
  const names = ['bake', 'alarms', 'guard', 'latch', ...gates.map((gate) => `gate ${gate}`)]
  return {
    position: target?.name,
    standsAt: 'not checked',
    ...outcome(directionOf(from, asked), from, asked, asked),
    from,
    refusals: target ? [] : [unknownPosition(request, positions)],
    warnings: [`SLUICE_OFFLINE is set: ${names.map((name) => `${name}: not checked`).join(', ')}`],
    backupsDue: [],
    acknowledges: false,
  }
}

/** The latch as it counts: one that is missing after the first deployment counts as latched. */
export function effectiveLatch(
  observation: Observation,
  journal: Journal | undefined,
  lastAttempt: number | undefined,
  none: ServiceWeights,
): Latch | undefined {
  if (isUnavailable(observation.latch)) return undefined
  if (observation.latch !== 'missing') return observation.latch
  return missingLatch(journal?.attempt ?? lastAttempt ?? 1, none, observation.at)
}

function outcome(
  direction: Admission['direction'],
  from: ServiceWeights,
  asked: ServiceWeights,
  permitted: ServiceWeights,
): Pick<Admission, 'direction' | 'asked' | 'permitted' | 'change'> {
  return { direction, asked, permitted, change: describeChange(from, asked) }
}

function directionOf(from: ServiceWeights, to: ServiceWeights): Admission['direction'] {
  if (rising(from, to).length > 0) return 'rise'
  return rising(to, from).length > 0 ? 'fall' : 'stay'
}

function standingPosition(
  positions: Position[],
  journal: Journal | undefined,
  latch: Latch | undefined,
  acknowledged: boolean,
): Position | undefined {
  if (acknowledged) {
    return findPosition(positions, latch?.trip?.landing ?? 'start') ?? positions[0]
  }
  return journal ? findPosition(positions, journal.verified.position) : undefined
}

function unknownPosition(request: Request, positions: Position[]): Refusal {
  return {
    code: 'unknown-position',
    place: 'sluice:step',
    message: `"${request.position}" is no position of the plan ${request.plan.name}; it has ${positions.map(({ name }) => name).join(', ')}`,
    next: 'pulumi config set sluice:step <one of them>',
  }
}

function firstDeployment(target: Position): Refusal {
  return {
    code: 'first-deployment',
    place: 'sluice:step',
    message: `${target.name} was asked for, but nothing is deployed yet; the first update deploys with green at 0`,
    next: 'pulumi config set sluice:step start, then pulumi up',
  }
}

function standsNowhere(journal: Journal): Refusal {
  return {
    code: 'unknown-position',
    place: 'journal',
    message: `says that the rollout stands at "${journal.verified.position}", which is no position of this plan`,
    next: 'pulumi config set sluice:step start, then pulumi up; or sluice doctor --adopt',
  }
}

function unreadable(observation: Observation): Refusal[] {
  const refusals: Refusal[] = []
  const look = (place: string, value: unknown) => {
    if (!isUnavailable(value)) return
    refusals.push({
      code: 'unavailable',
      place,
      message: `could not be checked: ${value.unavailable}; what was not checked is not a pass`,
      next: 'sluice doctor',
    })
  }
  look('live weights', observation.live)
  look('journal', observation.journal)
  look('latch', observation.latch)
  if (observation.journal === 'missing') {
    refusals.push({
      code: 'journal-missing',
      place: 'journal',
      message:
        'is missing although the rollout is deployed; without it no bake and no gate can be shown',
      next: 'sluice doctor --adopt',
    })
  }
  return refusals
}

/** An edit under a green that has traffic: of its own definition, or of positions already passed. */
function editOfPassed(
  request: Request,
  journal: Journal,
  target: Position,
  from: ServiceWeights,
): Refusal | undefined {
  if (journal.planHash === request.planHash) return undefined
  const has = (service: string) =>
    greenOf(from, service) > 0 || greenOf(journal.weights, service) > 0
  if (!Object.keys({ ...from, ...journal.weights }).some(has)) return undefined
  if (!anyGreen(target.weights)) return undefined
  const before = positionsOf(journal.plan)
  const after = positionsOf(request.plan)
  const stands = findPosition(before, journal.verified.position)?.index ?? 0
  const what = [
    ...Object.keys(journal.plan.services)
      .filter(
        (name) =>
          has(name) &&
          // Canonical: on its way through the engine a plan loses the order of its keys.
          canonical(journal.plan.services[name]?.green) !==
            canonical(request.plan.services[name]?.green),
      )
      .map((name) => `services.${name}.green`),
    ...before
      .slice(0, stands + 1)
      .filter(
        ({ index, name, weights }) =>
          after[index]?.name !== name || canonical(after[index]?.weights) !== canonical(weights),
      )
      .map(({ name }) => `position ${name}`),
  ]
  if (what.length === 0) return undefined
  return {
    code: 'passed-edited',
    place: what.join(', '),
    message: `was edited while green has traffic (the rollout stands at ${journal.verified.position})`,
    next: 'undo the edit, or set step to start first: pulumi config set sluice:step start, then pulumi up',
  }
}

function latchedRefusal(request: Request, latch: Latch): Refusal {
  return {
    code: 'latched',
    place: 'sluice:step',
    message: `${request.position} was asked for while latched: ${describeTrip(latch)}`,
    next: acknowledgement(latch, request.attempt),
  }
}

function stillDescending(latch: Latch, from: ServiceWeights): Refusal {
  const left = latch.descent?.left.join(', ')
  return {
    code: 'descending',
    place: 'sluice:attempt',
    message: `trip ${latch.trips} is still on its way down (${describeChange(from, from)}; then ${left}); a new attempt begins when it has landed`,
    next: 'sluice status --watch, and pulumi up when it has; sluice rollback goes down at once',
  }
}

function latchedWarning(request: Request, latch: Latch): string {
  const needed = latch.trips + 1
  const beyond =
    request.attempt > needed
      ? ` sluice:attempt is ${request.attempt}, but only ${needed} acknowledges trip ${latch.trips}.`
      : ''
  return `latched: ${describeTrip(latch)}.${beyond} Green stays where the rollback put it, whatever sluice:step says. To go on: ${acknowledgement(latch, request.attempt)}`
}

/** What tripped, with both numbers where there are two, and the time. */
export function describeTrip(latch: Latch): string {
  const trip = latch.trip
  if (!trip) return `trip ${latch.trips}`
  const against = trip.threshold === '-' ? '' : ` against ${trip.threshold}`
  return `trip ${trip.number}, ${trip.cause}: ${trip.value}${against}, at ${trip.at}, from ${trip.position} to ${trip.landing}`
}

/**
 * The two lines of config that acknowledge a trip.
 *
 * @param attempt the one that did not acknowledge it; trips + 1 was raised before the trip, and has to
 * be taken back first
 */
export function acknowledgement(latch: Latch, attempt?: number): string {
  const landing = latch.trip?.landing ?? 'start'
  const early =
    attempt === latch.trips + 1
      ? `sluice:attempt was ${attempt} before trip ${latch.trips} happened, and acknowledges nothing unseen: pulumi config set sluice:attempt ${latch.attempt}, then pulumi up; after that `
      : ''
  return `${early}pulumi config set sluice:attempt ${latch.trips + 1} and pulumi config set sluice:step ${landing}, then pulumi up`
}
