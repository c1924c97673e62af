import { actionOf } from '../rollout/action.ts'
import { formatDuration } from '../rollout/duration.ts'
import { plannedOperations } from '../rollout/operations.ts'
import type { Gate, Guardrail, Plan } from '../rollout/plan.ts'
import { SIDE_WORDS, type Sided, sideOf } from '../rollout/side.ts'
import { formatThreshold } from '../rollout/threshold.ts'

/** A part of what holds at every position of a plan. */
export interface Section {
  title: string
  heading: string[]
  rows: string[][]
}

/** What a plan says beside its positions: each part only where it has any. Pure. */
export function planLegend(plan: Plan): Section[] {
  const sections: Section[] = [
    {
      title: 'guardrail',
      heading: ['trips when', 'for', 'then'],
      rows: Object.entries(plan.guardrails).map(([name, guardrail]) => [
        name,
        `${conditionOf(guardrail)}${onOnly(guardrail.services)}`,
        guardrail.for === undefined ? '-' : formatDuration(guardrail.for),
        thenOf(guardrail),
      ]),
    },
    {
      title: 'gate',
      heading: ['passes when', 'else'],
      rows: Object.entries(plan.gates).map(([name, gate]) => [
        name,
        `${gateCondition(gate)}${onOnly(gate.services)}`,
        gate.otherwise,
      ]),
    },
    { title: 'operation', heading: ['when', 'command'], rows: operationRows(plan) },
    {
      title: 'backup',
      heading: ['before', 'at most', 'priority', 'tables'],
      rows: Object.entries(plan.backups).map(([name, { before, maximumAge, priority, tables }]) => [
        name,
        before,
        `${formatDuration(maximumAge)} old`,
        priority ?? '-',
        tables?.join(', ') ?? 'all',
      ]),
    },
    {
      title: 'flag',
      heading: ['on for'],
      rows: Object.entries(plan.flags).map(([name, flag]) => [name, flagText(plan, name, flag)]),
    },
    {
      title: 'limit',
      heading: ['from trigger to done'],
      rows: Object.entries(plan.limits).flatMap(([name, ms]) =>
        ms === undefined ? [] : [[name, formatDuration(ms)]],
      ),
    },
  ]
  return sections.filter(({ rows }) => rows.length > 0)
}

function conditionOf(guardrail: Guardrail): string {
  const { check, gate, every, consecutiveFailures, warn } = guardrail
  if (check !== undefined) {
    return `${check} fails ${consecutiveFailures ?? 3} times in a row, every ${formatDuration(every ?? 30_000)}`
  }
  if (gate !== undefined) return `gate ${gate} fails, every ${formatDuration(every ?? 30_000)}`
  const bound = boundText(guardrail)
  return warn ? `${bound} (warns at ${formatThreshold(warn)})` : bound
}

function boundText(criterion: Sided & { metric?: string; query?: string }): string {
  const { metric, query } = criterion
  const sided = sideOf(criterion)
  const bound = sided ? ` ${SIDE_WORDS[sided.side]} ${formatThreshold(sided.threshold)}` : ''
  return `${metric ?? query ?? '?'}${bound}`
}

function thenOf(guardrail: Guardrail): string {
  const action = actionOf(guardrail)
  if (action.do === 'run') return `run ${action.command.join(' ')}`
  if (action.do === 'flag') return `flag ${action.flag} on`
  if (action.do !== 'rollback') return action.do
  const scope = action.scope === 'service' ? '' : ` of the ${action.scope}`
  if (action.pace === 'immediately') return `rollback${scope}`
  return `rollback${scope} through ${action.pace.through.join(', ')}, ${formatDuration(action.pace.everyMs)} each`
}

function gateCondition(gate: Gate): string {
  const share = (ratio: number) => `${Number((ratio * 100).toPrecision(4))}%`
  if (gate.confirm !== undefined) return `somebody confirms: ${gate.confirm}`
  if (gate.replay !== undefined) {
    const group = gate.group === undefined ? '' : `, group ${gate.group}`
    return `${share(gate.identical ?? 1)} of the answers to ${gate.replay}${group} are alike`
  }
  if (gate.compare) {
    const by = gate.by ?? ['count', 'fingerprint']
    return `${gate.tables?.join(', ') ?? 'all tables'} alike by ${by.join(', ')}`
  }
  if (gate.cases !== undefined) return `green answers the cases of ${gate.cases}`
  if (gate.load) {
    const { times, for: span, errors, p95 } = gate.load
    const slow = p95 === undefined ? '' : `, p95 below ${formatDuration(p95)}`
    return `green bears ${times} times the load for ${formatDuration(span)}: errors below ${share(errors)}${slow}`
  }
  if (gate.run) {
    const flags = gate.flags ? `, with ${gate.flags.join(', ')} off and on` : ''
    return `${gate.run.join(' ')} ends with 0${flags}`
  }
  if (gate.experiment) {
    const { successes, trials, gain, alpha } = gate.experiment
    return `${successes} of ${trials}: green above blue by more than ${share(gain)}, alpha ${share(alpha)}`
  }
  if (gate.logs) return "green's log has no new type of error"
  if (gate.rehearsed !== undefined) return `a rollback was seen to work in ${gate.rehearsed}`
  return `${boundText(gate)}${gate.over ? ' over the bake' : ''}`
}

function operationRows(plan: Plan): string[][] {
  const supervised = Object.entries(plan.operations)
    .filter(([, { until }]) => until !== undefined)
    .map(([name, { run, until }]) => [name, `supervised until ${until}`, run.join(' ')])
  const planned = plannedOperations(plan).map(({ name, moment, run, into }) => [
    name,
    moment,
    [...run, ...(into ? ['|', ...into] : [])].join(' '),
  ])
  const down = Object.entries(plan.operations)
    .filter((entry) => entry[1].down !== undefined)
    .map(([name, operation]) => [name, 'rollback --database', (operation.down ?? []).join(' ')])
  return [...supervised, ...planned, ...down]
}

function flagText(plan: Plan, name: string, flag: Plan['flags'][string]): string {
  const colours = Object.entries(plan.services).flatMap(([service, { blue, green }]) => [
    ...(blue !== 'none' && blue.flag === name ? [`blue of ${service}`] : []),
    ...(green.flag === name ? [`green of ${service}`] : []),
  ])
  const follows = (flag.follows ?? []).map((service) => `green of ${service}`)
  const users = [...new Set([...follows, ...colours])]
  const base = users.length > 0 ? `users of ${users.join(', ')}` : flag.default ? 'all' : 'nobody'
  return flag.parent === undefined ? base : `${base}, while ${flag.parent} is on`
}

const onOnly = (services: readonly string[] | undefined) =>
  services ? ` (${services.join(', ')})` : ''
