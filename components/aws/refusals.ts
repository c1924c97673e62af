import type { Colour, Plan } from '../../rollout/plan.ts'
import { positionsOf } from '../../rollout/positions.ts'
import { isStarted } from './colours.ts'
import { refusedOfTasks } from './refusals-of-tasks.ts'

const METRICS = ['error-rate', 'p50', 'p95', 'p99']

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
    const at = `guardrails.${name}`
    const { metric, query, gate, below } = guardrail
    if (query !== undefined) say(`${at}.query`, 'is for Prometheus; on aws give a metric')
    if (gate !== undefined) say(`${at}.gate`, 'is not judged again and again on aws yet')
    if (metric !== undefined && (!METRICS.includes(metric) || below !== undefined)) {
      const known = METRICS.join(', ')
      say(`${at}.metric`, `${metric} has no alarm on aws yet; known: ${known}, each with above`)
    }
  }
  for (const [name, gate] of Object.entries(plan.gates)) {
    if (
      gate.confirm === undefined &&
      gate.run === undefined &&
      (gate.metric === undefined || !METRICS.includes(gate.metric))
    ) {
      say(`gates.${name}`, 'is of a kind that the platform aws does not judge yet')
    }
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
  for (const part of ['external', 'notify'] as const) {
    const names = Object.keys(plan[part])
    if (names.length > 0) say(part, `${names.join(', ')}: not carried by the platform aws yet`)
  }
  if (plan.escalation.length > 0) say('escalation', 'is not carried by the platform aws yet')
  if (plan.environments) say('environments', 'are not carried by the platform aws yet')
  return [...problems, ...refusedOfTasks(plan)]
}

function sayOfColour(
  say: (path: string, message: string) => void,
  path: string,
  colour: Colour,
): void {
  if (colour.targetGroupArn === undefined && !isStarted(colour)) {
    say(path, 'runs nowhere on aws; give an image with a port, or targetGroupArn')
  }
}
