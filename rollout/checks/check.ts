import type { Plan } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { type Finding, knownWords, show } from '../plan-problems.ts'

/** What every check reads and says. */

/** The parts of a plan that have the right shape. */
export type Parts = Lenient<Plan>

/** Something said of a place, unless one of the places it rests on had the wrong shape already. */
export interface Check extends Finding {
  rests?: Keys[]
}

/** The entries of a mapping that have the right shape. */
export function entries<T>(record: Record<string, T | undefined> | undefined): [string, T][] {
  return Object.entries(record ?? {}).filter((entry): entry is [string, T] => !!entry[1])
}

/**
 * One message for each name of a list that stands for nothing, or stands there twice.
 *
 * @param known what there is; undefined where its own shape is wrong, so that nothing is said
 * @param what what a name is to be, such as `gate`
 */
export function namesChecks(
  names: readonly (string | undefined)[] | undefined,
  known: readonly string[] | undefined,
  what: string,
  keys: Keys,
): Check[] {
  if (!known) return []
  return (names ?? []).flatMap((name, index) => {
    if (name === undefined) return []
    const at = [...keys, index]
    if (!known.includes(name)) return [{ keys: at, message: unknownName(name, known, what) }]
    if (names?.indexOf(name) === index) return []
    return [{ keys: at, message: `${show(name)} stands twice; keep one` }]
  })
}

/** As {@link namesChecks}, of one name. */
export function nameCheck(
  name: string | undefined,
  known: readonly string[] | undefined,
  what: string,
  keys: Keys,
): Check[] {
  if (name === undefined || !known || known.includes(name)) return []
  return [{ keys, message: unknownName(name, known, what) }]
}

function unknownName(name: string, known: readonly string[], what: string): string {
  const many = `the plan has ${known.length} of them`
  return `${show(name)} is no ${what} of this plan; ${knownWords(name, known, many)}`
}

/** The names of a mapping; undefined where the mapping itself has the wrong shape. */
export function namesOf(record: object | undefined): string[] | undefined {
  return record && Object.keys(record)
}

/** A time that must be more than nothing. */
export function positive(
  value: number | undefined,
  keys: Keys,
  why = 'is 0; give a time such as 30s',
): Check[] {
  return value === 0 ? [{ keys, message: why }] : []
}

/** What no program can be given as an argument. */
export function commandChecks(
  command: readonly (string | undefined)[] | undefined,
  keys: Keys,
): Check[] {
  return (command ?? []).flatMap((word, index) =>
    word?.includes('\0')
      ? [{ keys: [...keys, index], message: 'has a NUL character; take it out' }]
      : [],
  )
}

/** The variables that a plan gives to a command. */
export function environmentChecks(
  environment: Record<string, string | undefined> | undefined,
  keys: Keys,
  problem: (name: string) => string | undefined = () => undefined,
): Check[] {
  return Object.entries(environment ?? {}).flatMap(([name, value]) => {
    const message = variableProblem(name, value, problem(name))
    return message ? [{ keys: [...keys, name], message }] : []
  })
}

function variableProblem(
  name: string,
  value: string | undefined,
  problem: string | undefined,
): string | undefined {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    return `${show(name)} is no name of a variable; give letters, digits and _, not beginning with a digit`
  }
  if (problem) return problem
  if (value?.includes('\0')) return 'has a NUL character; take it out'
  if (value?.startsWith('env:') && !/^env:[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
    return `${show(value)} names no variable; give env:NAME to pass one on`
  }
  return undefined
}
