import type { RolloutEvent } from '../../platforms/store.ts'
import { formatSpan } from '../../rollout/duration.ts'
import type { Journal, Verdict } from '../../rollout/journal.ts'
import type { Latch } from '../../rollout/latch.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { greenOf } from '../../rollout/weights.ts'
import { formatShare } from '../format.ts'
import type { Samples } from './samples.ts'
import { countBetween } from './traffic.ts'

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
  /** ms since 1970. */
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
  const arrive = (position: string, from: number) =>
    visits.push({ position, from, to: from, attempt, end: 'stands' })
  for (const { at, kind, details } of events) {
    const time = Date.parse(at)
    if (kind === 'verified') {
      leave(time, 'moved')
      arrive(String(details?.['position'] ?? '?'), time)
    } else if (kind === 'tripped') {
      const trip = details?.['trip'] as { number?: number; landing?: string } | undefined
      leave(time, 'rolled back')
      arrive(trip?.landing ?? 'start', time)
      // A trip is acknowledged by the attempt after it, and by no other.
      attempt = (trip?.number ?? attempt) + 1
      const landed = visits.at(-1)
      if (landed) landed.attempt = attempt - 1
    }
  }
  const last = visits.at(-1)
  const end = events.at(-1)
  if (last?.end === 'stands' && end) last.to = Math.max(last.to, Date.parse(end.at))
  return visits
}

/** When each position was reached, what it carried, and what its gates said. */
export function positionsTable(
  events: readonly RolloutEvent[],
  samples: Samples,
  plan: Plan,
  journal: Journal | undefined,
): Table {
  const positions = positionsOf(plan)
  const now = (samples.times.at(-1) ?? 0) * 1_000
  const rows = visitsOf(events).map(({ position, from, to, attempt, end }) => {
    const until = end === 'stands' ? Math.max(to, now) : to
    const weights = findPosition(positions, position)?.weights ?? {}
    const count = (color: string) => {
      const all = countBetween(samples, { color }, from, until)
      const bad = countBetween(samples, { color, outcome: 'bad' }, from, until)
      return `${Math.round(all)}, ${Math.round(bad)} failed${bad > 0 ? ` (${formatShare(bad, all)})` : ''}`
    }
    return [
      position,
      String(attempt),
      Object.keys(weights)
        .map((service) => `${service} ${greenOf(weights, service)} %`)
        .join(', '),
      new Date(from).toISOString(),
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
      'reached',
      'stayed',
      'blue',
      'green answers',
      'gates',
    ],
    rows,
    empty: 'no position was reached yet',
  }
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
  const took = events
    .filter(({ kind }) => kind === 'tripped')
    .map(({ details }) => Number(details?.['tookMs']))
    .filter(Number.isFinite)
  const slowest = took.length > 0 ? Math.max(...took) : undefined
  const rolledBack = new Set(['service', 'phase', 'plan'])
  return {
    title: 'Promised and measured',
    heading: ['limit', 'promised', 'measured', ''],
    rows: Object.entries(plan.limits)
      .filter((entry): entry is [string, number] => entry[1] !== undefined)
      .map(([name, promised]) => {
        const measured = rolledBack.has(name) ? slowest : undefined
        return [
          name,
          formatSpan(promised),
          measured === undefined
            ? 'nothing rolled back, so not measured'
            : `${formatSpan(measured)}, the slowest of ${took.length} rollbacks, from the decision to green read back at 0`,
          measured === undefined ? '' : measured <= promised ? 'kept' : 'NOT KEPT',
        ]
      }),
    empty: 'the plan promises no times; add them under limits:',
  }
}

/** The trips, with both numbers. */
export function tripsTable(events: readonly RolloutEvent[], latch: Latch | undefined): Table {
  const rows = events
    .filter(({ kind, details }) => kind === 'tripped' && details?.['trip'] !== undefined)
    .map(({ details }) => {
      const trip = details?.['trip'] as NonNullable<Latch['trip']>
      const open = latch?.latched && latch.trip?.number === trip.number
      return [
        String(trip.number),
        trip.at,
        trip.cause,
        trip.value,
        trip.threshold,
        `${trip.position} → ${trip.landing}`,
        `${details?.['tookMs'] ?? '?'} ms`,
        open ? 'latched' : 'acknowledged',
      ]
    })
  return {
    title: 'Rollbacks',
    heading: ['trip', 'at', 'cause', 'measured', 'against', 'from → to', 'took', 'now'],
    rows,
    empty: 'none',
  }
}
