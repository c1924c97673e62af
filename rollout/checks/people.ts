import { formatDuration } from '../duration.ts'
import type { Plan } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { type Check, entries, namesChecks, namesOf, type Parts, positive } from './check.ts'
import { referenceChecks } from './references.ts'
import { sidesCheck } from './thresholds.ts'

/** Who is told of what, what is promised, and when blue ends. */

export function channelChecks({ notify }: Parts): Check[] {
  return entries(notify).flatMap(([name, { webhook, slack }]) => {
    const keys = ['notify', name]
    const rests = [
      [...keys, 'webhook'],
      [...keys, 'slack'],
    ]
    if (webhook && slack) {
      return [{ keys, message: 'has both a webhook and slack; keep one, or make two', rests }]
    }
    if (webhook || slack) return []
    const message = 'goes nowhere; give webhook: env:NAME or slack: env:NAME'
    return [{ keys, message, rests }]
  })
}

export function escalationChecks({ escalation, notify }: Parts): Check[] {
  let before = 0
  return (escalation ?? []).flatMap((level, index): Check[] => {
    const keys = ['escalation', index]
    const checks = namesChecks(level?.notify, namesOf(notify), 'channel', [...keys, 'notify'])
    const { errors } = level ?? {}
    if (errors === undefined) return checks
    const percent = (share: number) => `${Number((share * 100).toPrecision(4))}%`
    const say = (message: string) => checks.push({ keys: [...keys, 'errors'], message })
    if (errors === 0) say('0% tells of nothing at all; give more, such as 1%')
    else if (errors === 1) say('100% is never passed; give less')
    else if (errors <= before) {
      say(`${percent(errors)} does not rise above ${percent(before)}; give levels that rise`)
    }
    before = Math.max(before, errors)
    return checks
  })
}

export function reportChecks(parts: Parts): Check[] {
  const { report, notify } = parts
  return [
    ...positive(report?.every, ['report', 'every'], 'is 0; give a time such as 24h'),
    ...namesChecks(report?.to, namesOf(notify), 'channel', ['report', 'to']),
    ...entries(report?.targets).flatMap(([name, target]): Check[] => {
      const keys = ['report', 'targets', name]
      const { metric, query } = target
      const rests = [
        [...keys, 'metric'],
        [...keys, 'query'],
      ]
      if (metric && query !== undefined) {
        return [{ keys, message: 'has both a metric and a query; keep one', rests }]
      }
      if (!metric && query === undefined) {
        const message = 'measures nothing; give a metric such as availability, or a query'
        return [{ keys, message, rests }]
      }
      if (target.blue !== undefined) {
        const at = [...keys, 'blue']
        if (metric) {
          const message = 'is known of a metric, from the baseline; take it out'
          return [{ keys: at, message, rests }]
        }
        if (target.above === undefined && target.below === undefined) {
          const message = 'is better or worse only with a side; give the target above or below'
          return [{ keys: at, message, rests }]
        }
      }
      const criterion = target as Partial<Plan['report']['targets'][string]>
      // Without a side it is only shown.
      const isHeld = target.above !== undefined || target.below !== undefined
      return [
        ...(isHeld ? sidesCheck(criterion, metric ?? 'query', keys, 'passes') : []),
        ...referenceChecks(parts, criterion, keys),
      ]
    }),
  ]
}

type Limits = Lenient<Plan['limits']>

/** What takes back more is promised more time. */
const WITHIN: [less: keyof Limits, more: keyof Limits][] = [
  ['service', 'phase'],
  ['phase', 'plan'],
  ['service', 'plan'],
  ['traffic', 'plan'],
  ['plan', 'disaster'],
]

export function limitChecks({ limits }: Parts): Check[] {
  const checks: Check[] = Object.entries(limits ?? {}).flatMap(([name, limit]) =>
    positive(limit, ['limits', name], 'is 0, which nothing can keep; give a time such as 30s'),
  )
  const said = new Set<string>()
  for (const [less, more] of WITHIN) {
    const [inner, outer] = [limits?.[less], limits?.[more]]
    if (!inner || !outer || inner <= outer || said.has(less)) continue
    said.add(less)
    checks.push({
      keys: ['limits', less],
      message: `${formatDuration(inner)} is longer than the ${formatDuration(outer)} of ${more}, which takes back more; give less`,
    })
  }
  return checks
}

export function retireChecks({ retire }: Parts): Check[] {
  const { deprecation, sunset } = retire ?? {}
  if (deprecation === undefined || sunset === undefined || sunset >= deprecation) return []
  const keys: Keys = ['retire', 'sunset']
  const message = `${sunset} is before the deprecation of ${deprecation}; give a later date`
  return [{ keys, message }]
}
