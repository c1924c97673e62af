import type { Plan } from '../../rollout/plan.ts'
import { isStarted } from './colours.ts'
import { ambiguousSecrets, commandsOf, namesIn } from './variables.ts'

/** What is missing in a plan, or cannot be, where tasks of ECS run for it; a line each. Pure. */
export function refusedOfTasks(plan: Plan): string[] {
  const problems: string[] = []
  const say = (path: string, message: string) => problems.push(`plan.${path}: ${message}`)
  const colours = Object.entries(plan.services).flatMap(([service, { blue, green }]) =>
    Object.entries({ blue, green }).flatMap(([name, colour]) =>
      isStarted(colour) ? [{ place: `services.${service}.${name}`, colour }] : [],
    ),
  )
  const supervised = Object.entries(plan.operations)
    .filter(([, { until }]) => until !== undefined)
    .map(([name, { environment }]) => ({ place: `operations.${name}`, environment }))
  const commands = [...commandsOf(plan), ...supervised]

  const command = commands[0]?.place
  const example = colours[0]?.place ?? command
  if (example === undefined) return problems
  if (command !== undefined && plan.runner === undefined) {
    say('runner', `is missing, and ${command} is a command; give image, in which commands run`)
  }
  if (plan.aws.cluster === undefined) {
    say('aws.cluster', `is missing, and ${example} needs it; give the ARN of an ECS cluster`)
  }
  for (const [key, what] of [
    ['subnets', 'subnets in which tasks run'],
    ['securityGroups', 'security groups of tasks'],
  ] as const) {
    if (plan.aws[key].length === 0) say(`aws.${key}`, `is missing, and ${example} needs ${what}`)
  }
  const group = colours[0]?.place
  if (group !== undefined && plan.aws.vpc === undefined) {
    say('aws.vpc', `is missing, and ${group} needs it; give the VPC of its target group`)
  }
  const secret = [...commands, ...colours.map(({ place, colour }) => ({ place, ...colour }))].find(
    ({ environment }) => namesIn(environment).size > 0,
  )
  if (secret && plan.aws.secret === undefined) {
    say(
      'aws.secret',
      `is missing, and ${secret.place} reads env: names; give the ARN of the entry of Secrets Manager that has them as keys`,
    )
  }
  for (const [name, { down }] of Object.entries(plan.operations)) {
    if (down) {
      say(`operations.${name}.down`, 'is not run on aws; take it out, and run it by hand if needed')
    }
  }
  return [...problems, ...ambiguousSecrets(plan)]
}
