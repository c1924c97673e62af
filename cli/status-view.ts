import { describeTrip } from '../rollout/admission.ts'
import type { ArchiveHealth } from '../rollout/archiving.ts'
import { formatSpan } from '../rollout/duration.ts'
import { ownAnswers } from '../rollout/guardrail.ts'
import { acknowledges } from '../rollout/latch.ts'
import { isUnavailable, journalOf, latchOf, type Observation } from '../rollout/observation.ts'
import { findPosition, positionsOf } from '../rollout/positions.ts'
import { confirmationKey, type Request } from '../rollout/request.ts'
import { verdictsOf } from '../rollout/verdicts.ts'
import { formatLatency, formatShare, formatTable } from './format.ts'
import type { HookStatus } from './hook-status.ts'
import { advise, outlookOf } from './outlook.ts'
import { type Paint, plain } from './paint.ts'
import {
  adviceLines,
  dependencyLines,
  descentLines,
  environmentLines,
  flagLines,
  investigationLines,
  operationLines,
  phaseLines,
  rollbackLines,
} from './status-parts.ts'

/** Everything that a status is made of; nothing else is looked at. */
export interface StatusInput {
  stack: string
  request: Request
  observation: Observation
  /** The attempt of the last update, as admission takes it. */
  lastAttempt: number | undefined
  hook: HookStatus | { unavailable: string }
  /** The continuous archive; undefined where nothing is archived. */
  archive?: ArchiveHealth | { unavailable: string }
}

const LABEL = 15

/** The status of a rollout as lines for people. Pure: equal inputs give equal lines. */
export function statusLines(input: StatusInput, paint: Paint = plain): string[] {
  if (!input.observation.deployed) {
    return [...headline(input, paint), ...section('next', nextLines(input, paint))]
  }
  return [
    ...headline(input, paint),
    ...section('environment', environmentLines(input, paint)),
    ...section('phases', phaseLines(input, paint)),
    ...section('weights live', weightsLines(input)),
    ...section('latch', [
      ...latchLines(input, paint),
      ...descentLines(input, paint),
      ...rollbackLines(input, paint),
    ]),
    ...section('bake', bakeLines(input)),
    ...section('guard', guardLines(input, paint)),
    ...section('traffic', trafficLines(input, paint)),
    ...section('alarms', alarmLines(input, paint)),
    ...section('investigations', investigationLines(input, paint)),
    ...section('gates', gateLines(input, paint)),
    ...section('operations', operationLines(input, paint)),
    ...section('flags', flagLines(input, paint)),
    ...section('backups', backupLines(input, paint)),
    ...section('archive', archiveLines(input, paint)),
    ...section('notifications', notificationLines(input, paint)),
    ...section('dependencies', dependencyLines(input, paint)),
    ...section('advice', adviceLines(input, paint)),
    ...section('next', nextLines(input, paint)),
  ]
}

function section(label: string, lines: string[]): string[] {
  return lines.map((line, index) => `  ${(index === 0 ? label : '').padEnd(LABEL)} ${line}`)
}

function headline({ stack, request, observation }: StatusInput, paint: Paint): string[] {
  const journal = journalOf(observation)
  const positions = positionsOf(request.plan)
  const at = journal?.verified.position
  const number = findPosition(positions, at ?? '')?.index
  const where = journal
    ? `at ${paint('bold', at ?? '')} (position ${number ?? '?'} of ${positions.length - 1}), attempt ${journal.attempt}`
    : observation.deployed
      ? 'position unknown'
      : 'not deployed'
  const asked =
    request.position === at ? '' : `; sluice:step asks for ${paint('warn', request.position)}`
  return [`${paint('bold', stack)}: ${where}${asked}`]
}

function weightsLines({ request, observation }: StatusInput): string[] {
  const { live } = observation
  if (isUnavailable(live)) return [`not readable: ${live.unavailable}`]
  return Object.keys(request.plan.services).map((service) => {
    const { blue, green } = live[service] ?? { blue: 100, green: 0 }
    return `${service}: blue ${blue}, green ${green}`
  })
}

function latchLines({ request, observation, lastAttempt }: StatusInput, paint: Paint): string[] {
  const { latch } = observation
  if (latch === 'missing') {
    return [observation.deployed ? paint('bad', 'missing, which counts as latched') : 'none yet']
  }
  if (isUnavailable(latch)) return [paint('bad', `not readable: ${latch.unavailable}`)]
  if (!latch.latched) {
    return [`${paint('good', 'clear')}, ${latch.trips} ${latch.trips === 1 ? 'trip' : 'trips'}`]
  }
  const told = [`${paint('bad', 'LATCHED')}: ${describeTrip(latch)}`]
  if (latch.trip?.reason) told.push(latch.trip.reason)
  if (acknowledges(latch, request.attempt, lastAttempt)) {
    return [...told, 'the config acknowledges it']
  }
  return told
}

function bakeLines({ request, observation }: StatusInput): string[] {
  const journal = journalOf(observation)
  const standing = journal && findPosition(positionsOf(request.plan), journal.verified.position)
  if (!journal || !standing) return ['-']
  const done = journal.guardedMs * request.clock
  const real = request.clock === 1 ? '' : ` (a clock ${request.clock} times faster)`
  const answers = Object.entries(journal.green)
    .map(([service, green]) => `${service} ${ownAnswers(green)}`)
    .join(', ')
  const evidence =
    standing.kind === 'step'
      ? `; answers of green: ${answers || 'none'} (at least ${request.plan.minimumRequests})`
      : ''
  if (standing.bakeMs === 0) return [`none asked for${evidence}`]
  if (done >= standing.bakeMs) {
    return [`over: ${formatSpan(done)} of ${formatSpan(standing.bakeMs)} under guard${evidence}`]
  }
  return [
    `${formatSpan(done)} of ${formatSpan(standing.bakeMs)} under guard${real}, ${formatSpan((standing.bakeMs - done) / request.clock)} left${evidence}`,
  ]
}

function guardLines({ request, observation }: StatusInput, paint: Paint): string[] {
  const { guard } = observation
  if (!guard.alive) {
    return [paint('bad', `does not guard: ${guard.reason ?? 'it does not answer'}`)]
  }
  if (guard.planHash !== request.planHash) {
    return [
      paint('warn', `alive, but guards plan ${guard.planHash ?? '-'}, not ${request.planHash}`),
    ]
  }
  return [`${paint('good', 'alive')}, guards this plan (${request.planHash})`]
}

function trafficLines({ request, hook }: StatusInput, paint: Paint): string[] {
  if ('unavailable' in hook) return [`not known: ${hook.unavailable}`]
  const rows = Object.keys(request.plan.services).flatMap((service) =>
    (['blue', 'green'] as const).map((colour) => {
      const measured = hook.measurements[service]?.[colour] ?? { requests: 0, errors: 0 }
      return [
        service,
        paint(colour, colour),
        String(measured.requests),
        String(measured.errors),
        formatShare(measured.errors, measured.requests),
        formatLatency(measured.p95),
      ]
    }),
  )
  return formatTable([['last 10 s', 'colour', 'requests', 'errors', 'rate', 'p95'], ...rows])
}

function alarmLines({ observation }: StatusInput, paint: Paint): string[] {
  const { alarms } = observation
  if (isUnavailable(alarms)) {
    const why =
      alarms.unavailable === observation.guard.reason ? 'there is no guard' : alarms.unavailable
    return [paint('bad', `not known: ${why}`)]
  }
  if (alarms.length === 0) return ['none']
  return alarms.map(
    ({ guardrail, service, value, threshold, since, then }) =>
      `${paint('bad', guardrail)} on ${service}: ${value} against ${threshold} since ${since}, then ${then}`,
  )
}

function gateLines({ request, observation }: StatusInput, paint: Paint): string[] {
  const journal = journalOf(observation)
  const standing = journal && findPosition(positionsOf(request.plan), journal.verified.position)
  if (!journal || !standing || standing.gates.length === 0) return ['none here']
  return standing.gates.map((name) => {
    const gate = request.plan.gates[name]
    if (gate?.confirm !== undefined) {
      const key = confirmationKey(standing.name, request.attempt)
      return request.confirmed.includes(key)
        ? `${name}: ${paint('good', 'confirmed')} by ${key} in sluice:confirmed`
        : `${name}: ${paint('warn', 'not confirmed')}: ${gate.confirm}`
    }
    const { attempt, planHash } = journal
    const occasion = { gate: name, position: standing.name, attempt, planHash }
    const verdict = verdictsOf(journal, occasion).at(-1)
    if (!verdict) return `${name}: not judged yet`
    const tone = verdict.result === 'passed' ? 'good' : verdict.result === 'failed' ? 'bad' : 'warn'
    return `${name}: ${paint(tone, verdict.result)}: ${verdict.reason}`
  })
}

function backupLines({ request, observation }: StatusInput, paint: Paint): string[] {
  const records = journalOf(observation)?.backups ?? []
  const lines = Object.entries(request.plan.backups).map(([name, { maximumAge }]) => {
    const last = records.findLast((record) => record.name === name && record.verifiedAt)
    if (!last) return `${name}: ${paint('warn', 'none verified yet')}`
    const age = Date.parse(observation.at) - Date.parse(last.takenAt)
    const state = age <= maximumAge ? paint('good', 'fresh') : paint('warn', 'stale')
    return `${name}: ${last.id}, verified, ${formatSpan(age)} old, ${state} (at most ${formatSpan(maximumAge)})`
  })
  return lines.length > 0 ? lines : ['none in the plan']
}

function archiveLines({ archive }: StatusInput, paint: Paint): string[] {
  if (!archive) return []
  if ('unavailable' in archive) return [paint('bad', `not known: ${archive.unavailable}`)]
  const { state, text, next } = archive
  const tone = state === 'well' ? 'good' : state === 'beginning' ? 'warn' : 'bad'
  return [`${paint(tone, state)}: ${text}`, ...(next ? [`next: ${next}`] : [])]
}

function notificationLines({ hook }: StatusInput, paint: Paint): string[] {
  if ('unavailable' in hook) return ['not known']
  const { pending, failed, lastError } = hook.notifications
  if (failed === 0) return [`${pending} pending, none failed`]
  return [paint('bad', `${failed} failed, ${pending} pending; last: ${lastError ?? 'unknown'}`)]
}

function nextLines({ request, observation, lastAttempt }: StatusInput, paint: Paint): string[] {
  const outlook = outlookOf(request, observation, lastAttempt)
  const { happens, type, instead } = advise(request, observation, outlook, lastAttempt)
  return [
    happens,
    ...type.map((line) => `type: ${paint('bold', line)}`),
    ...(instead ? [`or all of it: ${paint('bold', instead)}`] : []),
  ]
}

/** The status for programs. */
export function statusJson(input: StatusInput): object {
  const { stack, request, observation, hook, lastAttempt, archive } = input
  const outlook = outlookOf(request, observation, lastAttempt)
  const journal = journalOf(observation)
  const standing = journal && findPosition(positionsOf(request.plan), journal.verified.position)
  const latch = latchOf(observation)
  return {
    stack,
    position: journal?.verified.position ?? null,
    asked: request.position,
    attempt: request.attempt,
    latch: latch ?? observation.latch,
    weights: observation.live,
    bake: standing
      ? {
          doneMs: (journal?.guardedMs ?? 0) * request.clock,
          ofMs: standing.bakeMs,
          clock: request.clock,
        }
      : null,
    guard: observation.guard,
    alarms: observation.alarms,
    measurements: 'unavailable' in hook ? null : hook.measurements,
    notifications: 'unavailable' in hook ? null : hook.notifications,
    verdicts: journal?.verdicts ?? [],
    backups: journal?.backups ?? [],
    archive: archive ?? null,
    operations: journal?.operations ?? [],
    checkpoints: journal?.checkpoints ?? [],
    investigations: journal?.investigations ?? [],
    flags: journal?.flags ?? {},
    environment: request.environment ?? null,
    next: {
      position: outlook.next?.name ?? null,
      change: outlook.change,
      refusals: outlook.refusals,
      ...advise(request, observation, outlook, lastAttempt),
    },
  }
}
