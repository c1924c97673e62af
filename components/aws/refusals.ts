import { watchedBy } from '../../platforms/aws/alarms.ts'
import { formatDuration } from '../../rollout/duration.ts'
import type { Colour, Gate, Guardrail, Metric, Plan } from '../../rollout/plan.ts'
import { positionsOf } from '../../rollout/positions.ts'
import { isStarted } from './colours.ts'
import { refusedOfTasks } from './refusals-of-tasks.ts'

/** What a guardrail may hold from each side: what an alarm can say. */
const SIDES: Partial<Record<Metric, 'above' | 'below'>> = {
  'error-rate': 'above',
  p50: 'above',
  p95: 'above',
  p99: 'above',
  throughput: 'below',
  availability: 'below',
}
/** What of a bake CloudWatch can be asked for. */
const GATE_METRICS: Metric[] = ['error-rate', 'p50', 'p95', 'p99', 'throughput']
/** The kinds of gates that the function judges, each with what it needs of the plan's part for aws. */
const GATE_KINDS = {
  replay: ['address'],
  load: ['address'],
  cases: ['address'],
  compare: ['secret'],
  rehearsed: [],
} as const satisfies Partial<Record<keyof Gate, readonly ('address' | 'secret')[]>>
/** A function of AWS runs for a quarter of an hour, and needs some of it to come and go. */
const LONGEST_LOAD_MS = 14 * 60_000

const MISSING = {
  address: 'give where the listener is reached, such as https://shop.example.com',
  secret: 'give the ARN of the entry of Secrets Manager that has the variables as keys',
}

/**
 * What a plan asks for that the platform aws does not carry, one line each with its path; nothing is
 * left out in silence. Pure.
 */
export function refusedOnAws(plan: Plan): string[] {
  const problems: string[] = []
  const say = (path: string, message: string) => problems.push(`plan.${path}: ${message}`)
  if (plan.aws.listener === undefined) {
    say('aws.listener', 'is missing; give the ARN of the listener whose rules split the traffic')
  }
  for (const [name, service] of Object.entries(plan.services)) {
    const at = `services.${name}`
    if (service.blue === 'none') say(`${at}.blue`, 'none is not carried by the platform aws yet')
    const colours = { blue: service.blue, green: service.green }
    for (const [colour, value] of Object.entries(colours)) {
      if (value !== 'none') sayOfColour(say, `${at}.${colour}`, value)
    }
    for (const [colour, value] of Object.entries(colours)) {
      if (value !== 'none' && value.flag !== undefined) {
        say(`${at}.${colour}.flag`, 'is not put on requests by a load balancer of AWS; take it out')
      }
    }
    if (service.strategy !== 'direct') {
      say(`${at}.strategy`, `${service.strategy} is not carried by the platform aws yet`)
    }
    if (service.fallback) say(`${at}.fallback`, 'is not seen by a load balancer of AWS')
    if (service.affinity.header !== undefined || service.affinity.cookie !== undefined) {
      say(
        `${at}.affinity`,
        'is not carried by the platform aws: a listener rule splits by weight alone, and its stickiness would win over a rollback; next: take it out',
      )
    }
  }
  for (const { name, weights } of positionsOf(plan)) {
    for (const [service, { green }] of Object.entries(weights)) {
      if (Math.abs(green * 10 - Math.round(green * 10)) > 1e-9) {
        say('steps', `${name} gives ${service} ${green}%, which is finer than a listener rule`)
      }
    }
  }
  for (const [name, guardrail] of Object.entries(plan.guardrails)) {
    sayOfGuardrail(say, plan, name, guardrail)
  }
  for (const [name, gate] of Object.entries(plan.gates)) sayOfGate(say, plan, name, gate)
  for (const [part, example] of Object.entries(neededBy(plan))) {
    if (plan.aws[part as keyof typeof MISSING] !== undefined) continue
    say(`aws.${part}`, `is missing, and ${example} needs it; ${MISSING[part as 'address']}`)
  }
  for (const part of ['subnets', 'securityGroups'] as const) {
    if (!plan.aws.functionInSubnets || plan.aws[part].length > 0) continue
    say(`aws.${part}`, 'is missing, and aws.functionInSubnets needs it')
  }
  for (const name of Object.keys(plan.aws.metrics)) {
    if (plan.guardrails[name]?.query !== undefined || plan.gates[name]?.query !== undefined)
      continue
    say(`aws.metrics.${name}`, 'stands for no guardrail and no gate that has a query; take it out')
  }
  for (const name of Object.keys(plan.backups)) {
    if (plan.aws.databases[name] === undefined) {
      say(`aws.databases.${name}`, 'is missing; give the DBInstanceIdentifier that is backed up')
    }
    if (plan.backups[name]?.tables) say(`backups.${name}.tables`, 'a snapshot is of all tables')
    if (plan.backups[name]?.priority) {
      say(`backups.${name}.priority`, 'scheduled backups are not carried by the platform aws yet')
    }
  }
  if (plan.report.every !== undefined) {
    say('report.every', 'nobody sends reports on aws; take it out, and type: sluice report')
  }
  const outside = Object.keys(plan.external)
  if (outside.length > 0) {
    say('external', `${outside.join(', ')}: not carried by the platform aws yet`)
  }
  const placeOf = (problem: string) => problem.slice(0, problem.indexOf(':'))
  const said = new Set(problems.map(placeOf))
  return [...problems, ...refusedOfTasks(plan).filter((one) => !said.has(placeOf(one)))]
}

type Say = (path: string, message: string) => void

function sayOfGuardrail(say: Say, plan: Plan, name: string, guardrail: Guardrail): void {
  const at = `guardrails.${name}`
  const { metric, query, gate, check, above, below } = guardrail
  const other = watchedBy(plan, name).find((one) => plan.services[one]?.health !== check)
  if (check !== undefined && other !== undefined) {
    say(
      `${at}.check`,
      `${check} is not the health of ${other}, and aws asks a target group for that alone; make one the other`,
    )
  }
  if (query !== undefined && !plan.aws.metrics[name]) sayOfQuery(say, name, `${at}.query`)
  if (gate !== undefined && plan.gates[gate]?.run !== undefined) {
    say(
      `${at}.gate`,
      `${gate} is a command, which aws does not judge again and again; give another`,
    )
  }
  if (metric !== undefined) {
    const side = SIDES[metric]
    if (side === undefined || (side === 'above' ? above : below) === undefined) {
      const known = Object.entries(SIDES).map(([one, its]) => `${one} ${its}`)
      say(`${at}.metric`, `${metric} has no alarm on aws yet; known: ${known.join(', ')}`)
    } else if (metric === 'availability' && below?.kind === 'blue') {
      say(`${at}.below`, "blue's availability is in no alarm on aws; give a share such as 99%")
    }
  }
}

function sayOfGate(say: Say, plan: Plan, name: string, gate: Gate): void {
  if (gate.confirm !== undefined || gate.run !== undefined) return
  const at = `gates.${name}`
  if (gate.query !== undefined) {
    if (!plan.aws.metrics[name]) sayOfQuery(say, name, `${at}.query`)
    return
  }
  if (gate.metric !== undefined) {
    if (GATE_METRICS.includes(gate.metric)) return
    const known = GATE_METRICS.join(', ')
    say(`${at}.metric`, `${gate.metric} is not judged on aws yet; known: ${known}`)
    return
  }
  if (kindOf(gate) === undefined) {
    say(at, 'is of a kind that the platform aws does not judge yet')
    return
  }
  if (gate.load !== undefined && gate.load.for > LONGEST_LOAD_MS) {
    const [given, most] = [formatDuration(gate.load.for), formatDuration(LONGEST_LOAD_MS)]
    say(`${at}.load.for`, `${given} is longer than a function of AWS may run; give ${most} at most`)
  }
}

function sayOfQuery(say: Say, name: string, at: string): void {
  say(
    at,
    `is for Prometheus; next: say which metric of CloudWatch stands for it, aws.metrics.${name}: { namespace: …, metric: …, dimensions: { … }, statistic: Maximum }`,
  )
}

function kindOf(gate: Gate): keyof typeof GATE_KINDS | undefined {
  const kinds = Object.keys(GATE_KINDS) as (keyof typeof GATE_KINDS)[]
  return kinds.find((kind) => gate[kind] !== undefined)
}

/** By what a plan needs of its part for aws: one of those that need it. */
function neededBy(plan: Plan): Partial<Record<keyof typeof MISSING, string>> {
  const needed: Partial<Record<keyof typeof MISSING, string>> = {}
  for (const [name, gate] of Object.entries(plan.gates)) {
    const kind = kindOf(gate)
    if (kind) for (const part of GATE_KINDS[kind]) needed[part] ??= `gates.${name}`
  }
  for (const name of Object.keys(plan.notify)) needed.secret ??= `notify.${name}`
  return needed
}

function sayOfColour(say: Say, path: string, colour: Colour): void {
  if (colour.targetGroupArn === undefined && !isStarted(colour)) {
    say(path, 'runs nowhere on aws; give an image with a port, or targetGroupArn')
  }
}
