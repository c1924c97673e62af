import { rollsBack } from '../action.ts'
import type { Guardrail } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import {
  type Check,
  commandChecks,
  entries,
  nameCheck,
  namesChecks,
  namesOf,
  type Parts,
  positive,
} from './check.ts'
import { referenceChecks } from './references.ts'
import { sidesCheck, warnChecks } from './thresholds.ts'

/** What takes green back, holds it, or tells. */

type Parted = Lenient<Guardrail>

export function guardrailChecks(parts: Parts): Check[] {
  const { guardrails } = parts
  const checks = entries(guardrails).flatMap(([name, guardrail]) => {
    const keys = ['guardrails', name]
    return [
      ...kindChecks(guardrail, keys),
      ...actionChecks(parts, guardrail.then, [...keys, 'then']),
      ...namesChecks(guardrail.notify, namesOf(parts.notify), 'channel', [...keys, 'notify']),
      ...namesChecks(guardrail.services, namesOf(parts.services), 'service', [...keys, 'services']),
      ...nameCheck(guardrail.gate, namesOf(parts.gates), 'gate', [...keys, 'gate']),
      ...askedChecks(parts, guardrail, [...keys, 'gate']),
      ...referenceChecks(parts, guardrail as Partial<Guardrail>, keys),
    ]
  })
  for (const [name, { warn }] of entries(guardrails)) {
    const warning = `${name}-warn`
    if (!warn || !guardrails || !Object.hasOwn(guardrails, warning)) continue
    checks.push({
      keys: ['guardrails', warning],
      message: `is the name of the alert that the warn of guardrails.${name} makes; give another name`,
      rests: [['guardrails', name, 'warn']],
    })
  }
  const all = Object.values(guardrails ?? {})
  const acts = ({ then }: Parted) => then === undefined || rollsBack({ then } as Guardrail)
  if (guardrails && !all.some((one) => one === undefined || acts(one))) {
    checks.push({
      keys: ['guardrails'],
      message:
        'none rolls back, so nothing would take green back; ' +
        'give one, such as errors: { metric: error-rate, above: 5%, for: 2m, then: rollback }',
      rests: Object.keys(guardrails).map((name) => ['guardrails', name, 'then']),
    })
  }
  return checks
}

const KINDS = ['metric', 'query', 'check', 'gate'] as const
type Kind = (typeof KINDS)[number]

/** The fields of each kind, and what is typed instead where one stands in another. */
const FIELDS: { field: keyof Parted; kinds: Kind[]; instead: string }[] = [
  { field: 'above', kinds: ['metric', 'query'], instead: 'passes or fails; take it out' },
  { field: 'below', kinds: ['metric', 'query'], instead: 'passes or fails; take it out' },
  { field: 'warn', kinds: ['metric', 'query'], instead: 'passes or fails; take it out' },
  { field: 'every', kinds: ['check', 'gate'], instead: 'or give for: 2m' },
  { field: 'consecutiveFailures', kinds: ['check'], instead: 'or give for: 2m' },
]

function kindChecks(guardrail: Parted, keys: Keys): Check[] {
  const kinds = KINDS.filter((kind) => guardrail[kind] !== undefined)
  const rests = KINDS.map((kind) => [...keys, kind])
  const [kind] = kinds
  if (!kind) {
    const message =
      'watches nothing; give one of metric, query, check or gate, such as metric: error-rate'
    return [{ keys, message, rests }]
  }
  if (kinds.length > 1) {
    const message = `has ${kinds.join(' and ')}; keep one, or make two guardrails`
    return [{ keys, message, rests }]
  }
  const checks: Check[] = [
    ...positive(guardrail.for, [...keys, 'for'], 'is 0; give a time such as 2m, or leave it out'),
    ...positive(guardrail.every, [...keys, 'every']),
  ]
  for (const { field, kinds: its, instead } of FIELDS) {
    if (guardrail[field] === undefined || its.includes(kind)) continue
    const message = instead.startsWith('or')
      ? `belongs to a ${its.join(' or a ')}; take it out, ${kind === 'gate' ? 'or give every: 30s' : instead}`
      : `has no effect on a ${kind}, which ${instead}`
    checks.push({ keys: [...keys, field], message, rests })
  }
  if (kind !== 'metric' && kind !== 'query') return checks
  const measured = guardrail.metric ?? 'query'
  const sides = guardrail as Partial<Guardrail>
  return [
    ...checks,
    ...sidesCheck(sides, measured, keys, 'trips'),
    ...warnChecks(sides, measured, keys),
  ]
}

/** A gate that is judged again and again is one that nobody has to be asked for. */
function askedChecks({ gates }: Parts, { gate }: Parted, keys: Keys): Check[] {
  if (gate === undefined || gates?.[gate]?.confirm === undefined) return []
  const message = `${gate} asks a person, and cannot be judged again and again; give a gate of another kind`
  return [{ keys, message, rests: [['gates', gate]] }]
}

function actionChecks(parts: Parts, then: Parted['then'], keys: Keys): Check[] {
  if (then === undefined || typeof then === 'string') return []
  if ('flag' in then && then.flag !== undefined) {
    return nameCheck(then.flag, namesOf(parts.flags), 'flag', [...keys, 'flag'])
  }
  if ('run' in then && then.run !== undefined) {
    return [
      ...commandChecks(then.run, [...keys, 'run']),
      ...positive(then.again, [...keys, 'again'], 'is 0; give a time such as 5m, or leave it out'),
    ]
  }
  if (!('rollback' in then)) return []
  const rests = [[...keys, 'rollback']]
  if (then.rollback === 'immediately') {
    return (['through', 'every'] as const)
      .filter((field) => then[field] !== undefined)
      .map((field) => ({
        keys: [...keys, field],
        message: 'belongs to rollback: progressively, this goes down immediately; take it out',
        rests,
      }))
  }
  return [
    ...positive(
      then.every,
      [...keys, 'every'],
      'is 0; give a time such as 5m, or rollback: immediately',
    ),
    ...throughChecks(then.through, [...keys, 'through']),
  ]
}

/** Down, step by step, to nothing. */
function throughChecks(through: readonly (number | undefined)[] | undefined, keys: Keys): Check[] {
  if (!through) return []
  if (through.length === 0) {
    return [{ keys, message: 'is empty; give weights that fall to 0, such as [75, 50, 25, 0]' }]
  }
  if (through.some((weight) => weight === undefined)) return []
  const weights = through as readonly number[]
  const checks = weights.flatMap((weight, index): Check[] => {
    const before = weights[index - 1]
    if (before === undefined || weight < before) return []
    const message = `${weight} does not fall below ${before}; give weights that fall to 0`
    return [{ keys: [...keys, index], message }]
  })
  const last = weights.at(-1)
  if (last !== 0 && !weights.includes(0)) {
    checks.push({
      keys: [...keys, weights.length - 1],
      message: `the last weight is ${last}; end with 0, where blue has everything`,
    })
  }
  return checks
}
