import type { RolloutEvent } from '../../platforms/store.ts'
import { formatSpan } from '../../rollout/duration.ts'
import type { Journal, Verdict } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Held } from '../../rollout/limits.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { greenOf } from '../../rollout/weights.ts'
import { formatShare } from '../format.ts'
import type { Samples } from './samples.ts'
import { countBetween } from './traffic.ts'
import { tripsOf } from './trips.ts'

/** A table of a report; cells are plain text. */
export interface Table {
  title: string
  heading: string[]
  rows: string[][]
  /** What stands where there are no rows. */
  empty: string
}

/** One stay at a position. */
export interface Visit {
  position: string
  /** When its weights were set, ms since 1970. */
  weighed: number
  /** When they were verified, and when it was left, ms since 1970. */
  from: number
  to: number
  attempt: number
  /** How it was left: by a trip, or not yet. */
  end: 'moved' | 'rolled back' | 'stands'
}

/** The stays at positions, in the order of the history. Pure. */
export function visitsOf(events: readonly RolloutEvent[]): Visit[] {
  const visits: Visit[] = []
  let attempt = 1
  const leave = (at: number, end: Visit['end']) => {
    const last = visits.at(-1)
    if (last?.end === 'stands') Object.assign(last, { to: at, end })
  }
  // The weights of a move are set between its admission and its verification.
  let set: number | undefined
  const arrive = (position: string, from: number) => {
    visits.push({ position, weighed: set ?? from, from, to: from, attempt, end: 'stands' })
    set = undefined
  }
  const trips = tripsOf(events)
  for (const event of events) {
    const time = Date.parse(event.at)
    const trip = event.kind === 'tripped' && trips.find((one) => one.message === event.message)
    if (event.kind === 'weights') set ??= time
    if (event.kind === 'admitted') set = undefined
    if (event.kind === 'deployed') arrive('start', time)
    else if (event.kind === 'verified') {
      leave(time, 'moved')
      arrive(String(event.details?.['position'] ?? '?'), time)
    } else if (event.kind === 'adopted' && event.details?.['position'] !== undefined) {
      leave(time, 'moved')
      arrive(String(event.details['position']), time)
    } else if (trip) {
      set = undefined
      leave(time, 'rolled back')
      arrive(trip.record?.landing ?? 'start', time)
    } else if (event.kind === 'acknowledged') {
      // A trip is acknowledged by the attempt after it, and by no other.
      attempt = (trips.findLast(({ at }) => Date.parse(at) <= time)?.number ?? 0) + 1
      leave(time, 'moved')
      arrive(visits.at(-1)?.position ?? 'start', time)
    }
  }
  const last = visits.at(-1)
  const end = events.at(-1)
  if (last?.end === 'stands' && end) last.to = Math.max(last.to, Date.parse(end.at))
  return visits
}

/** Answers in flight at a rollback, and counts not yet collected, belong to what was left: ms. */
const LAG = 1_000

/** When each position was reached, what it carried, and what its gates said. */
export function positionsTable(
  events: readonly RolloutEvent[],
  samples: Samples,
  plan: Plan,
  journal: Journal | undefined,
): Table {
  const positions = positionsOf(plan)
  const now = (samples.times.at(-1) ?? 0) * 1_000
  const visits = visitsOf(events)
  const rows = visits.map(({ position, from, to, attempt, end }, index) => {
    const until = end === 'stands' ? Math.max(to, now) : to
    const weights = findPosition(positions, position)?.weights ?? {}
    const count = (color: string) => {
      const begin = countedFrom(visits, index)
      const over = index + 1 < visits.length ? countedFrom(visits, index + 1) : until + LAG
      const all = countBetween(samples, { color }, begin, over)
      const bad = countBetween(samples, { color, outcome: 'bad' }, begin, over)
      return `${Math.round(all)}, ${Math.round(bad)} failed${bad > 0 ? ` (${formatShare(bad, all)})` : ''}`
    }
    return [
      position,
      String(attempt),
      Object.keys(weights)
        .map((service) => `${service} ${greenOf(weights, service)} %`)
        .join(', '),
      formatTime(from),
      `${formatSpan(until - from)}, ${end}`,
      count('blue'),
      count('green'),
      verdictsAt(journal?.verdicts ?? [], position, attempt),
    ]
  })
  return {
    title: 'Positions',
    heading: [
      'position',
      'attempt',
      'green',
      'reached (UTC)',
      'stayed',
      'answers of blue',
      'answers of green',
      'gates',
    ],
    rows,
    empty: 'no position was reached yet',
  }
}

/** From when on answers count for a visit: the weights are set before they are verified. */
function countedFrom(visits: readonly Visit[], index: number): number {
  const visit = visits[index]
  const leftByTrip = visits[index - 1]?.end === 'rolled back'
  return visit ? (leftByTrip ? visit.from + LAG : visit.weighed) : 0
}

/** `2026-03-01 12:00:00` */
function formatTime(at: number | string): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}

function verdictsAt(verdicts: readonly Verdict[], position: string, attempt: number): string {
  return verdicts
    .filter((verdict) => verdict.position === position && verdict.attempt === attempt)
    .map(({ gate, result, reason }) => `${gate}: ${result} (${reason})`)
    .join('; ')
}

/** The backups that were taken. */
export function backupsTable(journal: Journal | undefined): Table {
  return {
    title: 'Backups',
    heading: ['backup', 'id', 'taken', 'verified', 'tables', 'rows', 'bytes'],
    rows: (journal?.backups ?? []).map(({ name, id, takenAt, verifiedAt, tables, bytes }) => [
      name,
      id,
      takenAt,
      verifiedAt ?? 'no',
      String(Object.keys(tables).length),
      String(Object.values(tables).reduce((sum, { rows }) => sum + BigInt(rows), 0n)),
      String(bytes),
    ]),
    empty: 'none was taken',
  }
}

/** What the plan promises, and what was measured of it. */
export function limitsTable(events: readonly RolloutEvent[], plan: Plan): Table {
  return {
    title: 'Promised and measured',
    heading: ['limit', 'promised', 'measured', ''],
    rows: Object.entries(plan.limits)
      .filter((entry): entry is [string, number] => entry[1] !== undefined)
      .map(([name, promised]) => {
        const took = heldTimes(events, name)
        if (took.length === 0) {
          return [name, formatSpan(promised), 'nothing of it happened, so not measured', '']
        }
        const slowest = Math.max(...took)
        return [
          name,
          formatSpan(promised),
          `${formatSpan(slowest)}, the slowest of ${took.length}, from the trigger to the end`,
          slowest <= promised ? 'kept' : 'NOT KEPT',
        ]
      }),
    empty: 'the plan promises no times; add them under limits:',
  }
}

/**
 * What was measured against a limit: every event that was says so in its details. A rollback that was
 * late and is done later says it twice, and counts once.
 */
function heldTimes(events: readonly RolloutEvent[], limit: string): number[] {
  const times = new Map<unknown, number>()
  for (const event of events) {
    const held = (event.details?.['limits'] as Held[] | undefined) ?? []
    for (const { tookMs } of held.filter((each) => each.limit === limit)) {
      const trip = event.details?.['trip'] ?? event
      times.set(trip, Math.max(tookMs, times.get(trip) ?? 0))
    }
  }
  return [...times.values()]
}

/** The trips, with both numbers. */
export function tripsTable(events: readonly RolloutEvent[], latch: Latch | undefined): Table {
  const rows = tripsOf(events).map(({ number, at, record, tookMs, message }) => [
    String(number),
    at,
    record?.cause ?? message,
    record?.value ?? '-',
    record?.threshold ?? '-',
    record ? `${record.position} → ${record.landing}` : '-',
    tookMs === undefined ? '-' : `${tookMs} ms`,
    latch?.latched && latch.trips === number ? 'latched' : 'acknowledged',
  ])
  return {
    title: 'Rollbacks',
    heading: ['trip', 'at', 'cause', 'measured', 'against', 'from → to', 'took', 'now'],
    rows,
    empty: 'none',
  }
}
