import type { Flag } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { show } from '../plan-problems.ts'
import {
  type Check,
  commandChecks,
  entries,
  environmentChecks,
  nameCheck,
  namesChecks,
  namesOf,
  type Parts,
  positive,
} from './check.ts'

/** Backups, databases, operations and flags. */

export function backupChecks({ backups }: Parts): Check[] {
  return entries(backups).flatMap(([name, { maximumAge, tables }]) => {
    const keys = ['backups', name]
    const why = 'is 0, and no backup is ever that young; give a time such as 15m'
    return [
      ...positive(maximumAge, [...keys, 'maximumAge'], why),
      ...(tables ?? []).flatMap((table, index) =>
        table === undefined || tables?.indexOf(table) === index
          ? []
          : [
              {
                keys: [...keys, 'tables', index],
                message: `${show(table)} stands twice; keep one`,
              },
            ],
      ),
    ]
  })
}

export function databaseChecks({ local }: Parts): Check[] {
  const first = new Map<string, string>()
  const checks: Check[] = []
  for (const [database, variable] of Object.entries(local?.postgres?.databases ?? {})) {
    if (variable === undefined) continue
    const other = first.get(variable)
    if (other === undefined) first.set(variable, database)
    else {
      checks.push({
        keys: ['local', 'postgres', 'databases', database],
        message: `${variable} carries the address of ${other} already; give each its own variable`,
      })
    }
  }
  return checks
}

export function operationChecks({ operations }: Parts): Check[] {
  return entries(operations).flatMap(([name, operation]): Check[] => {
    const keys = ['operations', name]
    const { at, until, down, metrics, run, environment, timeout } = operation
    const rests = ['at', 'until'].map((key) => [...keys, key])
    const checks: Check[] = [
      ...commandChecks(run, [...keys, 'run']),
      ...commandChecks(down, [...keys, 'down']),
      ...environmentChecks(environment, [...keys, 'environment']),
      ...positive(timeout, [...keys, 'timeout'], 'is 0; give a time such as 10m'),
    ]
    const say = (key: string | undefined, message: string) =>
      checks.push({ keys: key ? [...keys, key] : keys, message, rests })
    if (at && until) say(undefined, 'has both at and until; keep one, or make two operations')
    else if (!at && !until) {
      say(
        undefined,
        'is never run; give a moment such as at: before-first-step, or until: retired where it is supervised',
      )
    } else if (until && down) {
      say('down', 'belongs to an operation with at, this is supervised; take it out')
    } else if (at === 'on-rollback' && down) {
      say('down', 'takes back what a rollback itself has run; take it out')
    } else if (at && metrics !== undefined) {
      say('metrics', 'is read while an operation is supervised, this runs once; take it out')
    }
    return checks
  })
}

export function flagChecks({ flags, services, operations }: Parts): Check[] {
  const own = namesOf(flags)
  const retires = entries(operations).some(([, { at }]) => at === 'retired')
  const message =
    'nothing takes the code away that reads it, and without the flag that code is on for nobody; add an operation with at: retired, or take it out'
  return entries(flags).flatMap(([name, flag]): Check[] => {
    const keys = ['flags', name]
    return [
      ...namesChecks(flag.follows, namesOf(services), 'service', [...keys, 'follows']),
      ...nameCheck(flag.parent, own, 'flag', [...keys, 'parent']),
      ...parentChecks(name, flags ?? {}, [...keys, 'parent']),
      ...(flag.until === undefined || retires ? [] : [{ keys: [...keys, 'until'], message }]),
    ]
  })
}

/** Parents that come back to where they began would keep each other off for ever. */
function parentChecks(
  name: string,
  flags: Record<string, Lenient<Flag> | undefined>,
  keys: Keys,
): Check[] {
  const path = [name]
  for (let at = flags[name]?.parent; at !== undefined; at = flags[at]?.parent) {
    if (at === name) {
      // Of a ring, its first name is told.
      if (path.toSorted()[0] !== name) return []
      const ring = [...path, name].join(' → ')
      const message =
        path.length === 1
          ? 'is the flag itself; take it out'
          : `comes back to where it began (${ring}); take one of them out`
      return [{ keys, message }]
    }
    if (path.includes(at)) return []
    path.push(at)
  }
  return []
}
