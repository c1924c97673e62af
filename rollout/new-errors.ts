import { firstOf, type Judgement } from './judgement.ts'

/** A longer line says what it is in its beginning; a pattern need not read the rest. */
const LONGEST_LINE = 2_000
const LONGEST_TYPE = 120

/** `2026-11-21_16:20:00.12345 text`, as svlogd writes with -tt, in UTC. */
const STAMP = /^(\d{4}-\d{2}-\d{2})_(\d{2}:\d{2}:\d{2}(?:\.\d+)?) /

/** A part of a log's time. */
export interface Within {
  /** Lines that say that they are older do not count; one that says nothing does. */
  since?: Date
  /** Only lines that say that they are older count. */
  before?: Date
}

/**
 * The types of error in a log, and how often each came.
 * @param pattern its first group is the type; without a group, the whole match is
 * @param within which lines count
 */
export function errorTypes(
  lines: Iterable<string>,
  pattern: RegExp,
  { since, before }: Within = {},
): Map<string, number> {
  const found = new Map<string, number>()
  for (const line of lines) {
    const stamp = STAMP.exec(line)
    const at = stamp ? Date.parse(`${stamp[1]}T${stamp[2]}Z`) : undefined
    if (at !== undefined && since && at < since.getTime()) continue
    if (before && !(at !== undefined && at < before.getTime())) continue
    const text = line.slice(stamp?.[0].length ?? 0, LONGEST_LINE)
    // A pattern with the flag g would remember where it stopped in the line before.
    const match = new RegExp(pattern, pattern.flags.replace(/[gy]/g, '')).exec(text)
    if (!match) continue
    const type = (match[1] ?? match[0]).trim().slice(0, LONGEST_TYPE)
    found.set(type, (found.get(type) ?? 0) + 1)
  }
  return found
}

/** Judges green's types of error by blue's: one that blue never had fails. */
export function judgeNewErrors(
  green: ReadonlyMap<string, number>,
  blue: ReadonlyMap<string, number>,
): Judgement {
  const unknown = [...green].filter(([type]) => !blue.has(type)).sort(([, a], [, b]) => b - a)
  if (unknown.length === 0) {
    const known = `${green.size} ${green.size === 1 ? 'type' : 'types'} of error in green's log`
    return { result: 'passed', reason: `${known}, none that blue has not` }
  }
  const named = unknown.map(([type, times]) => `${type} (${times} times)`)
  return { result: 'failed', reason: `green's log has what blue's never had: ${firstOf(named)}` }
}

/** What the history tells of a change of weights. */
interface Told {
  at: string
  kind: string
  details?: Record<string, unknown>
}

/**
 * From when on green of this rollout may have had traffic, by its history: when the first change of
 * weights began, which is told once it is done.
 * @param events oldest first
 * @returns undefined where the history does not say
 */
export function firstStepAt(events: readonly Told[]): Date | undefined {
  const begun = events.findLastIndex(({ kind }) => kind === 'deployed')
  const first = events
    .slice(begun + 1)
    .find(({ kind, details }) => kind === 'weights' && Number(details?.['to']) > 0)
  return first && new Date(String(first.details?.['begun'] ?? first.at))
}
