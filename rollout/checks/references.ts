import type { Gate, Guardrail } from '../plan.ts'
import type { Keys } from '../plan-parts.ts'
import { SIDES, type Side } from '../side.ts'
import { formatThreshold } from '../threshold.ts'
import { type Check, entries, type Parts } from './check.ts'

/** What a criterion is held against must be there: a blue that measures, a header that is given. */

type Criterion = Partial<Pick<Guardrail & Gate, 'metric' | Side | 'warn' | 'services'>>

/** @param keys where the criterion stands */
export function referenceChecks(parts: Parts, criterion: Criterion, keys: Keys): Check[] {
  const { metric } = criterion
  if (!metric || !parts.services) return []
  return [
    ...([...SIDES, 'warn'] as const).flatMap((side) => {
      const threshold = criterion[side]
      if (!threshold || threshold.kind === 'absolute') return []
      const given = formatThreshold(threshold)
      return blueChecks(
        parts,
        criterion.services,
        [...keys, side],
        (who) =>
          `${given} is held against a blue, but blue of ${who} is none; give a number, or other services`,
      )
    }),
    ...(metric === 'fallback-rate' ? fallbackChecks(parts, criterion.services, keys) : []),
  ]
}

/**
 * Says so where blue is `none`: of the services that are named, or of all where none is.
 * @param message made with the names of the services
 */
export function blueChecks(
  { services }: Parts,
  named: readonly (string | undefined)[] | undefined,
  keys: Keys,
  message: (who: string) => string,
): Check[] {
  const all = entries(services)
  const mine = named ? all.filter(([name]) => named.includes(name)) : all
  const without = mine.filter(([, { blue }]) => blue === 'none')
  // By default those are meant that have one.
  if (without.length === 0 || (!named && without.length < mine.length)) return []
  return [{ keys, message: message(without.map(([name]) => name).join(', ')) }]
}

function fallbackChecks(
  { services }: Parts,
  named: readonly (string | undefined)[] | undefined,
  keys: Keys,
): Check[] {
  const all = entries(services)
  const mine = named ? all.filter(([name]) => named.includes(name)) : all
  if (mine.length === 0 || mine.some(([, { fallback }]) => fallback)) return []
  const who = mine.map(([name]) => name).join(', ')
  return [
    {
      keys: [...keys, 'metric'],
      message: `no answer of ${who} says that it fell back; give services.${mine[0]?.[0]}.fallback, such as { header: x-fallback }`,
      rests: mine.map(([name]) => ['services', name, 'fallback']),
    },
  ]
}
