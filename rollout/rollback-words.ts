import { formatSpan } from './duration.ts'
import type { Journal } from './journal.ts'
import { describeHeld, describeLimits } from './limits.ts'
import { type News, operationsLeft } from './rollback-limits.ts'

/** What is told of a rollback and its promised times, for people. Pure. */

/**
 * How a rollback went that was just read back.
 * @param actedMs what it took once it was decided
 * @param news what is new of it
 * @example '180ms, 2s after its trigger (limit service 30s: kept)'
 */
export function describeDone(
  actedMs: number,
  news: readonly News[],
  journal: Journal | undefined,
): string {
  const held = news.flatMap((each) => each.held)
  const [first] = news
  const took = held.length > 0 && first ? `, ${formatSpan(first.tookMs)} after its trigger` : ''
  const limits = held.length > 0 ? ` (${describeLimits(held)})` : ''
  const left = first && journal ? operationsLeft(journal.plan, journal, first.rollback) : []
  const state =
    left.length > 0 ? `; state under way: ${left.map(({ name }) => name).join(', ')}` : ''
  return `${formatSpan(actedMs)}${took}${limits}${state}`
}

/** One thing that is new of a rollback, and how severe it is. */
export function describeNews(
  journal: Journal,
  { what, tookMs, held, rollback }: News,
): { message: string; severity: 'info' | 'warning' | 'critical' } {
  const of = `rollback ${rollback.trip}`
  const took = describeHeld(tookMs, held)
  const late = held.some(({ kept }) => !kept)
  if (what === 'overdue') {
    return {
      message: `${of} is not done after ${took}: ${waitsFor(journal, rollback)}; next: sluice status, and sluice doctor`,
      severity: 'critical',
    }
  }
  // That it is late was told before, and that it is not any more is good to know.
  const severity = late || what === 'down' ? 'warning' : 'info'
  if (what === 'done') return { message: `${of} is done, its state too, after ${took}`, severity }
  return { message: `${of}: green is at ${rollback.landing} after ${took}`, severity }
}

/** What a rollback that is not done waits for, in words. */
export function waitsFor(journal: Journal, rollback: News['rollback']): string {
  if (rollback.downAt === undefined) return `green is not back at ${rollback.landing}`
  return operationsLeft(journal.plan, journal, rollback)
    .map(
      ({ name, record }) => `${name} ${record ? `${record.result}: ${record.reason}` : 'to come'}`,
    )
    .join('; ')
}
