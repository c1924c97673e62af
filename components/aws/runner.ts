import * as pulumi from '@pulumi/pulumi'
import type { AwsRunner } from '../../platforms/aws/layout.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { PolicyStatement } from './policies.ts'
import { runnerStatements } from './policies-of-tasks.ts'
import type { Tasks } from './tasks.ts'
import { commandsOf, runnerSecrets, variablesOf } from './variables.ts'

const CONTAINER = 'runner'

/** What commands of the plan run in, and what the hook may do with it. */
export interface Runner {
  layout: pulumi.Output<AwsRunner>
  statements: pulumi.Output<PolicyStatement[]>
}

/** Declares what the plan's commands run in; undefined where it has none. */
export function declareRunner(plan: Plan, rollout: string, tasks: Tasks): Runner | undefined {
  if (commandsOf(plan).length === 0) return undefined
  const { aws, runner } = plan
  const definition = tasks.define(CONTAINER, {
    image: runner?.image as string,
    variables: { plain: {}, secret: runnerSecrets(plan) },
  })
  const roles = pulumi
    .output(tasks.executionRole.arn)
    .apply((own) => [own, ...(aws.taskRole === undefined ? [] : [aws.taskRole])])
  return {
    layout: definition.arn.apply((taskDefinition) => ({
      cluster: tasks.cluster,
      taskDefinition,
      container: CONTAINER,
      subnets: aws.subnets,
      securityGroups: aws.securityGroups,
      publicAddress: aws.publicAddresses,
      log: tasks.logGroup,
    })),
    statements: roles.apply((all) =>
      runnerStatements({
        cluster: tasks.cluster,
        family: `sluice-${rollout}-${CONTAINER}`,
        roles: all,
      }),
    ),
  }
}

/**
 * Declares the operations that run beside the rollout at the position asked for, each as a service of
 * one task. From the position that it runs until, it is declared no more, and so stopped.
 */
export function declareSupervised(
  plan: Plan,
  position: string,
  tasks: Tasks,
  opts: pulumi.CustomResourceOptions,
): void {
  const positions = positionsOf(plan)
  const asked = findPosition(positions, position)?.index ?? 0
  for (const [name, { run, environment, until }] of Object.entries(plan.operations)) {
    const end = positions.find(({ kind }) => kind === until)
    if (!end || asked >= end.index) continue
    const { plain, secret } = variablesOf(environment)
    const definition = tasks.define(name, {
      image: plan.runner?.image as string,
      command: run,
      variables: { plain: { SLUICE_ROLLOUT: plan.name, ...plain }, secret },
    })
    // Never two of it: what carries data both ways would carry it twice.
    tasks.serve(name, definition, { count: 1, one: true }, opts)
  }
}
