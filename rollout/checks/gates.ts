import type { Gate } from '../plan.ts'
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
import { blueChecks, referenceChecks } from './references.ts'
import { sidesCheck } from './thresholds.ts'

/** What a gate judges, and with what. */

type Parted = Lenient<Gate>

const KINDS = [
  'metric',
  'query',
  'replay',
  'confirm',
  'compare',
  'cases',
  'load',
  'run',
  'experiment',
  'logs',
  'rehearsed',
] as const
type Kind = (typeof KINDS)[number]

/** Of the fields that not every gate has, those that do. */
const FIELDS: Partial<Record<keyof Parted, Kind[]>> = {
  services: ['metric', 'query', 'replay', 'cases', 'load', 'run', 'experiment', 'logs'],
  above: ['metric', 'query'],
  below: ['metric', 'query'],
  atLeast: ['metric', 'query'],
  atMost: ['metric', 'query'],
  over: ['metric', 'query'],
  group: ['replay'],
  ignore: ['replay'],
  identical: ['replay'],
  lag: ['replay'],
  outbox: ['replay'],
  tables: ['compare'],
  by: ['compare'],
  flags: ['run'],
  environment: ['run'],
  timeout: ['run'],
}

export function gateChecks(parts: Parts): Check[] {
  return entries(parts.gates).flatMap(([name, gate]) => gateCheck(parts, gate, ['gates', name]))
}

function gateCheck(parts: Parts, gate: Parted, keys: Keys): Check[] {
  const kinds = KINDS.filter((kind) => gate[kind] !== undefined)
  const [kind] = kinds
  const rests = KINDS.map((key) => [...keys, key])
  if (!kind) {
    const message = `judges nothing; give one of ${KINDS.slice(0, -1).join(', ')} or ${KINDS.at(-1)}`
    return [{ keys, message, rests }]
  }
  if (kinds.length > 1) {
    return [{ keys, message: `has ${kinds.join(' and ')}; keep one, or make two gates`, rests }]
  }
  const checks: Check[] = []
  const say = (key: string, message: string) =>
    checks.push({ keys: [...keys, key], message, rests })
  for (const [field, its] of Object.entries(FIELDS) as [keyof Parted, Kind[]][]) {
    const value = gate[field]
    if (its.includes(kind) || value === undefined || isNothing(value)) continue
    say(
      field,
      field === 'services'
        ? `has no effect on a ${kind} gate; take it out`
        : `belongs to a ${its.join(' or ')} gate, this is a ${kind} gate; take it out`,
    )
  }
  return [...checks, ...namesUsed(parts, gate, keys), ...OF_KIND[kind](parts, gate, keys)]
}

/** What the schema gives where nothing stands: an empty list, an empty mapping. */
function isNothing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

function namesUsed(parts: Parts, gate: Parted, keys: Keys): Check[] {
  return [
    ...namesChecks(gate.services, namesOf(parts.services), 'service', [...keys, 'services']),
    ...namesChecks(gate.flags, namesOf(parts.flags), 'flag', [...keys, 'flags']),
  ]
}

type CheckKind = (parts: Parts, gate: Parted, keys: Keys) => Check[]

const steadyChecks: CheckKind = (parts, gate, keys) => {
  const criterion = gate as Partial<Gate>
  return [
    ...sidesCheck(criterion, gate.metric ?? 'query', keys, 'passes'),
    ...referenceChecks(parts, criterion, keys),
  ]
}

/** What each kind of gate needs beyond its shape. */
const OF_KIND: Record<Kind, CheckKind> = {
  metric: steadyChecks,
  query: steadyChecks,
  replay: (parts, gate, keys) => [
    ...(gate.identical === 0
      ? [
          {
            keys: [...keys, 'identical'],
            message: '0% passes whatever the answers are; give more, such as 100%',
          },
        ]
      : []),
    ...bothColours(parts, gate, keys, 'replay'),
  ],
  confirm: (_parts, gate, keys) =>
    gate.otherwise === 'rollback'
      ? [
          {
            keys: [...keys, 'otherwise'],
            message: 'has no effect on a confirm gate, which nobody can fail; take it out',
          },
        ]
      : [],
  compare: (_parts, { compare, tables, by }, keys) => [
    ...(compare?.blue !== undefined && compare.blue === compare.green
      ? [
          {
            keys: [...keys, 'compare', 'green'],
            message: `${show(compare.green)} is blue's database too; give the other one`,
          },
        ]
      : []),
    ...twiceChecks(tables, [...keys, 'tables']),
    ...twiceChecks(by, [...keys, 'by']),
  ],
  cases: () => [],
  load: (_parts, { load }, keys) => [
    ...positive(load?.for, [...keys, 'load', 'for'], 'is 0; give a time such as 5m'),
    ...positive(load?.p95, [...keys, 'load', 'p95'], 'is 0; give a time such as 150ms'),
  ],
  run: (_parts, { run, environment, timeout }, keys) => [
    ...commandChecks(run, [...keys, 'run']),
    ...environmentChecks(environment, [...keys, 'environment']),
    ...positive(timeout, [...keys, 'timeout'], 'is 0; give a time such as 10m'),
  ],
  experiment: (parts, gate, keys) => [
    ...experimentChecks(gate.experiment, [...keys, 'experiment']),
    ...bothColours(parts, gate, keys, 'experiment'),
  ],
  logs: (_parts, { logs }, keys) => patternChecks(logs?.pattern, [...keys, 'logs', 'pattern']),
  rehearsed: ({ environments }, { rehearsed }, keys) =>
    environments
      ? nameCheck(
          rehearsed,
          environments.filter((name) => name !== undefined),
          'environment',
          [...keys, 'rehearsed'],
        )
      : [
          {
            keys: [...keys, 'rehearsed'],
            message: `${show(rehearsed)} is no environment, as the plan has none; give environments: [staging, production]`,
            rests: [['environments']],
          },
        ],
}

/** What is compared needs two. */
function bothColours(parts: Parts, gate: Parted, keys: Keys, kind: string): Check[] {
  const at = gate.services ? [...keys, 'services'] : keys
  return blueChecks(
    parts,
    gate.services,
    at,
    (who) => `${kind} compares both colours, but blue of ${who} is none; leave it out`,
  )
}

function twiceChecks(names: readonly (string | undefined)[] | undefined, keys: Keys): Check[] {
  return (names ?? []).flatMap((name, index) =>
    name === undefined || names?.indexOf(name) === index
      ? []
      : [{ keys: [...keys, index], message: `${show(name)} stands twice; keep one` }],
  )
}

function experimentChecks(experiment: Parted['experiment'], keys: Keys): Check[] {
  const { successes, trials, gain, alpha } = experiment ?? {}
  const checks: Check[] = []
  const say = (key: string, message: string) => checks.push({ keys: [...keys, key], message })
  if (trials !== undefined && successes === trials) {
    say('trials', `${show(trials)} counts the successes; give the counter that they are a share of`)
  }
  if (alpha === 0) say('alpha', '0% is never reached; give a chance such as 5%')
  if (alpha !== undefined && alpha >= 0.5) {
    say('alpha', `${alpha * 100}% is as good as a coin; give a chance such as 5%`)
  }
  if (gain !== undefined && gain >= 1) say('gain', '100% cannot be gained; give less, such as 1%')
  return checks
}

function patternChecks(pattern: string | undefined, keys: Keys): Check[] {
  if (pattern === undefined) return []
  let groups: number
  try {
    groups = (new RegExp(`${pattern}|`).exec('')?.length ?? 1) - 1
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/^.*: /, '') : String(error)
    const message = `is no regular expression (${why}); give one such as "(\\\\w+Error)"`
    return [{ keys, message }]
  }
  if (groups > 0) return []
  return [{ keys, message: 'has no group for the type of the error; give one, as "(\\\\w+Error)"' }]
}
