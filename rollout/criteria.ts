import { holdsRises } from './action.ts'
import { rollbackOperationsLeft } from './due-operations.ts'
import { formatSpan } from './duration.ts'
import { environmentBefore, environmentProblems, rolloutOf } from './environments.ts'
import { ownAnswers } from './guardrail.ts'
import type { Move } from './move.ts'
import { isUnavailable } from './observation.ts'
import { operationsBefore, plannedOperations, recordOf } from './operations.ts'
import type { Backup, Gate } from './plan.ts'
import type { Position } from './positions.ts'
import type { Refusal } from './refusal.ts'
import { confirmationKey } from './request.ts'
import { verdictsOf } from './verdicts.ts'
import { describeChange, greenOf, rising, sameWeights } from './weights.ts'

/**
 * Everything that holds a forward move or a rise, all of it at once, and the backups that are
 * due. A due backup holds the move only at apply: a preview says that it will be taken.
 */
export function criteriaOf(move: Move): { refusals: Refusal[]; backupsDue: string[] } {
  const backupsDue = dueBackups(move)
  const refusals = [
    ...attemptCriterion(move),
    ...distanceCriterion(move),
    ...planCriterion(move),
    ...driftCriterion(move),
    ...guardCriterion(move),
    ...alarmCriterion(move),
    ...environmentCriterion(move),
    ...bakeCriterion(move),
    ...evidenceCriterion(move),
    ...baselineCriterion(move),
    ...gateCriterion(move),
    ...operationCriterion(move),
    ...investigationCriterion(move),
    ...(move.stage === 'apply' ? backupCriterion(backupsDue) : []),
  ]
  return { refusals, backupsDue }
}

function attemptCriterion({ request, latch }: Move): Refusal[] {
  if (latch.latched || request.attempt === latch.attempt) return []
  const advance = request.attempt > latch.attempt
  return [
    {
      code: 'attempt',
      place: 'sluice:attempt',
      message: advance
        ? `is ${request.attempt}, but nothing has tripped since attempt ${latch.attempt} began; an attempt raised in advance acknowledges nothing`
        : `is ${request.attempt}, but the rollout is in attempt ${latch.attempt}`,
      next: `pulumi config set sluice:attempt ${latch.attempt}`,
    },
  ]
}

function distanceCriterion({ target, standing, positions, latch }: Move): Refusal[] {
  if (target.index <= standing.index + 1) return []
  const next = positions[standing.index + 1]?.name
  if (latch.latched) {
    return [
      {
        code: 'landing',
        place: 'sluice:step',
        message: `${target.name} was asked for, but a new attempt starts at its landing ${standing.name} or one position after it, ${next}`,
        next: `pulumi config set sluice:step ${standing.name}`,
      },
    ]
  }
  return [
    {
      code: 'two-ahead',
      place: 'sluice:step',
      message: `${target.name} is ${target.index - standing.index} positions after ${standing.name}, where the rollout stands; one position at a time`,
      next: `pulumi config set sluice:step ${next}`,
    },
  ]
}

function planCriterion({ request, observation, standing }: Move): Refusal[] {
  const guarded = observation.guard.planHash
  if (!observation.guard.alive || guarded === request.planHash) return []
  return [
    {
      code: 'plan-edited',
      place: 'sluice:plan',
      message: `the plan was edited: the hook guards ${guarded ?? 'no plan'}, this is ${request.planHash}; an edit of the plan and a rise are two updates`,
      next: `pulumi config set sluice:step ${standing.name}, then pulumi up, then raise the step`,
    },
  ]
}

function driftCriterion({ journal, live }: Move): Refusal[] {
  const { intent, weights, verified } = journal
  const explained =
    sameWeights(live, weights) ||
    (intent !== undefined && (sameWeights(live, intent.from) || sameWeights(live, intent.to)))
  const goesBack = intent !== undefined && rising(intent.from, intent.to).length === 0
  if (intent && goesBack && explained && !sameWeights(live, weights)) {
    return [
      {
        code: 'drift',
        place: 'live weights',
        message: `are on their way back from ${verified.position} (${describeChange(intent.from, intent.to)}), which is not verified yet; the way back wins`,
        next:
          intent.position === verified.position
            ? 'sluice doctor --adopt to record what is live'
            : `pulumi config set sluice:step ${intent.position}, then pulumi up, which finishes it; then raise the step`,
      },
    ]
  }
  if (explained) return []
  return [
    {
      code: 'drift',
      place: 'live weights',
      message: `were changed by another hand since ${verified.position} was verified (${describeChange(weights, live)})`,
      // What fell cannot be put back by an update, which would be a rise.
      next:
        rising(live, weights).length > 0
          ? 'sluice doctor --adopt to record what is live'
          : `sluice doctor --adopt, or pulumi config set sluice:step ${verified.position} and pulumi up --refresh to put it back`,
    },
  ]
}

/** No guard, no rise. */
export function guardCriterion({ observation }: Pick<Move, 'observation'>): Refusal[] {
  if (observation.guard.alive) return []
  return [
    {
      code: 'guard',
      place: 'hook',
      message: `does not guard: ${observation.guard.reason ?? 'it does not answer'}; no guard, no rise`,
      next: 'sluice doctor',
    },
  ]
}

/** An alarm that does more than notify holds while it is active; so does not knowing of any. */
export function alarmCriterion({ observation }: Pick<Move, 'observation'>): Refusal[] {
  const { alarms } = observation
  if (isUnavailable(alarms)) {
    return [
      {
        code: 'unavailable',
        place: 'alarms',
        message: `could not be checked: ${alarms.unavailable}; what was not checked is not a pass`,
        next: 'sluice doctor',
      },
    ]
  }
  return alarms
    .filter(({ then }) => holdsRises(then))
    .map((alarm) => ({
      code: 'alarm' as const,
      // With a dot it is no guardrail's: external.redis, escalation.5%.
      place: alarm.guardrail.includes('.') ? alarm.guardrail : `guardrails.${alarm.guardrail}`,
      message: `is active on ${alarm.service} since ${alarm.since}: ${alarm.value} against ${alarm.threshold}`,
      next: 'sluice status, and wait until it is over',
    }))
}

function bakeCriterion({ request, journal, standing, forward }: Move): Refusal[] {
  if (!forward) return []
  const done = Math.max(0, journal.guardedMs * request.clock - standing.settleMs)
  const left = (standing.bakeMs + standing.settleMs) / request.clock - journal.guardedMs
  if (left <= 0) return []
  return [
    {
      code: 'bake',
      place: standing.name,
      message: `has baked ${formatSpan(done)} of ${formatSpan(standing.bakeMs)} under guard`,
      next: `wait ${formatSpan(left)}, or sluice advance --wait`,
    },
  ]
}

function evidenceCriterion({ request, journal, standing, forward }: Move): Refusal[] {
  if (!forward || standing.kind !== 'step') return []
  return Object.keys(request.plan.services)
    .filter((service) => greenOf(standing.weights, service) > 0)
    .map((service) => {
      const { requests, fallbacks } = journal.green[service] ?? { requests: 0 }
      const own = ownAnswers({ requests, fallbacks })
      return { service, own, fallen: requests - own }
    })
    .filter(({ own }) => own < request.plan.minimumRequests)
    .map(({ service, own, fallen }) => ({
      code: 'evidence' as const,
      place: standing.name,
      message: `green of ${service} gave ${own} answers${fallen > 0 ? ` of its own, and ${fallen} by falling back,` : ''} of the ${request.plan.minimumRequests} that minimumRequests asks for; no data is never success`,
      next: 'wait for traffic; sluice status --watch shows it come',
    }))
}

function baselineCriterion({ request, journal, standing, forward }: Move): Refusal[] {
  if (!forward || standing.kind !== 'start') return []
  const relative = Object.entries(request.plan.guardrails).filter(([, guardrail]) =>
    [guardrail.above, guardrail.below, guardrail.warn].some((t) => t?.kind === 'baseline'),
  )
  return (
    Object.entries(request.plan.services)
      // What is new has no blue that could ever measure anything.
      .filter(([service, { blue }]) => blue !== 'none' && journal.baselines[service] === undefined)
      .map(([service]) => ({
        service,
        mine: relative.filter(([, { services }]) => !services || services.includes(service)),
      }))
      .filter(({ mine }) => mine.length > 0)
      .map(({ service, mine }) => ({
        code: 'baseline' as const,
        place: `guardrails.${mine.map(([name]) => name).join(', guardrails.')}`,
        message: `no baseline of ${service} is recorded yet; it takes ${request.plan.minimumRequests} answers of blue`,
        next: 'let users reach the router while the rollout stands at start; sluice status --watch shows the baseline',
      }))
  )
}

function gateCriterion(move: Move): Refusal[] {
  const { request, standing, forward } = move
  if (!forward) return []
  return standing.gates.flatMap((name) => {
    const gate = request.plan.gates[name]
    return gate ? gateRefusal(move, standing, name, gate) : []
  })
}

function gateRefusal(move: Move, standing: Position, name: string, gate: Gate): Refusal[] {
  const { request, journal } = move
  const attempt = request.attempt
  if (gate.confirm !== undefined) {
    const key = confirmationKey(standing.name, attempt)
    if (request.confirmed.includes(key)) return []
    return [
      {
        code: 'unconfirmed',
        place: `gates.${name}`,
        message: `nobody has confirmed ${key}: ${gate.confirm}`,
        next: `pulumi config set --path 'sluice:confirmed[${request.confirmed.length}]' ${key}`,
      },
    ]
  }
  const { planHash } = request
  const occasion = { gate: name, position: standing.name, attempt, planHash }
  const verdict = verdictsOf(journal, occasion).at(-1)
  if (verdict?.result === 'passed') return []
  return [
    {
      code: 'gate',
      place: `gates.${name}`,
      message: verdict
        ? `${verdict.result} at ${standing.name}: ${verdict.reason}`
        : `is not judged yet at ${standing.name}, attempt ${attempt}; the hook judges it at the end of the bake`,
      next: 'sluice status --watch',
    },
  ]
}

/** Everything that the plan runs at a moment before this move, and that has not been done yet. */
function operationCriterion({ request, journal, standing, target, forward }: Move): Refusal[] {
  if (!forward) return []
  const left = rollbackOperationsLeft(request.plan, journal).map(({ operation, ...record }) => ({
    code: 'operation' as const,
    place:
      plannedOperations(request.plan).find(({ name }) => name === operation)?.place ?? operation,
    message: `${record.result} after the rollback from ${record.position}: ${record.reason}`,
    next: 'sluice status --watch',
  }))
  const ahead = operationsBefore(request.plan, standing, target)
    .map((planned) => ({ planned, record: recordOf(planned, standing, journal) }))
    .filter(({ record }) => record?.result !== 'done')
    .map(({ planned, record }) => ({
      code: 'operation' as const,
      place: planned.place,
      message: record
        ? `${record.result} at ${standing.name}: ${record.reason}`
        : `has not run at ${standing.name}; the hook runs it when the bake is over`,
      next: 'sluice status --watch',
    }))
  return [...left, ...ahead]
}

function investigationCriterion({ journal }: Move): Refusal[] {
  return (journal.investigations ?? [])
    .filter(({ closedAt }) => closedAt === undefined)
    .map(({ guardrail, service, value, threshold, openedAt }) => ({
      code: 'investigation' as const,
      place: `guardrails.${guardrail}`,
      message: `opened an investigation of ${service} at ${openedAt}: ${value} against ${threshold}`,
      next: `sluice resolve ${guardrail}, when somebody has looked`,
    }))
}

/** A later environment goes only as far as the one before it has been, and stayed. */
function environmentCriterion({
  request,
  observation,
  positions,
  target,
  forward,
}: Move): Refusal[] {
  const { environments } = request.plan
  if (!forward || !environments) return []
  const problems = environmentProblems(request.plan, request, true)
  if (problems.length > 0) {
    return [
      {
        code: 'environment',
        place: 'sluice:environment',
        message: problems.join('; '),
        next: `pulumi config set sluice:environment ${environments[0]}`,
      },
    ]
  }
  const before = environmentBefore(request.plan, request.environment)
  if (before === undefined) return []
  const held = (message: string, next: string): Refusal[] => [
    { code: 'environment', place: `environment ${before}`, message, next },
  ]
  const { previous } = observation
  const { environment: guarded } = observation.guard
  if (guarded !== undefined && guarded !== request.environment) {
    return held(
      `could not be asked for: the hook guards ${guarded}, and this is ${request.environment}`,
      'type the same again in a minute, when it has heard of it',
    )
  }
  if (previous === undefined || previous === 'missing') {
    const name = rolloutOf(request.plan, before)
    return held(
      `has no journal (none of a rollout ${name}), so it has not been anywhere yet`,
      `run ${target.name} there first`,
    )
  }
  if (isUnavailable(previous)) {
    return held(`could not be checked: ${previous.unavailable}`, 'sluice doctor')
  }
  const reached = positions.find(({ name }) => name === previous.verified.position)
  if (reached && reached.index > target.index) return []
  const stayed = previous.guardedMs * (previous.clock ?? 1)
  const asked = target.bakeMs + target.settleMs
  if (reached && reached.index === target.index && stayed >= asked) return []
  return held(
    reached?.index === target.index
      ? `has stayed at ${target.name} for ${formatSpan(stayed)} of ${formatSpan(asked)}`
      : `stands at ${previous.verified.position}; this one goes only as far as that one has been and stayed`,
    `move ${before} to ${target.name} first`,
  )
}

/** The backups a rise waits for that have no fresh, verified record. */
function dueBackups({ request, observation, journal, rising, standing }: Move): string[] {
  if (rising.length === 0) return []
  return Object.entries(request.plan.backups)
    .filter(([, backup]) => backup.before === 'every-step' || standing.kind === 'start')
    .filter(([name, backup]) => !freshBackup(name, backup, journal.backups, observation.at))
    .map(([name]) => name)
}

/** True when a verified record of this backup is young enough. Ages are of the real clock. */
export function freshBackup(
  name: string,
  backup: Backup,
  records: Move['journal']['backups'],
  now: string,
): boolean {
  return records.some(
    (record) =>
      record.name === name &&
      record.verifiedAt !== undefined &&
      Date.parse(now) - Date.parse(record.takenAt) <= backup.maximumAge &&
      // One from the future was taken under another clock, and its age is not known.
      Date.parse(record.takenAt) <= Date.parse(now),
  )
}

function backupCriterion(due: string[]): Refusal[] {
  return due.map((name) => ({
    code: 'backup' as const,
    place: `backups.${name}`,
    message: 'has no fresh, verified copy, and this rise waits for one',
    next: `sluice backup ${name}, or pulumi up without --target, which takes it`,
  }))
}
