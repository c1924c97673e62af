import * as cloudwatch from '@pulumi/aws/cloudwatch/logGroup.js'
import * as ecs from '@pulumi/aws/ecs/index.js'
import * as iam from '@pulumi/aws/iam/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { Plan } from '../../rollout/plan.ts'
import { type ContainerArgs, containerDefinitions } from './container.ts'
import { executionPolicy } from './policies-of-tasks.ts'

export interface TasksArgs {
  rollout: string
  plan: Plan
}

/** Where a service of ECS is behind a load balancer. */
export interface Behind {
  targetGroupArn: pulumi.Input<string>
  port: number
}

/**
 * What all tasks of a rollout share: the log, and the role by which ECS itself pulls the image, reads
 * the secrets and writes the log. What runs in a task has the role that the plan gives, or none.
 */
export class Tasks extends pulumi.ComponentResource {
  readonly executionRole: iam.Role
  readonly #plan: Plan
  readonly #rollout: string
  readonly #ready: pulumi.Resource[]

  constructor(name: string, { rollout, plan }: TasksArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:aws:Tasks', name, {}, opts)
    const child = { parent: this }
    this.#plan = plan
    this.#rollout = rollout
    const log = new cloudwatch.LogGroup(
      'task-log',
      { name: this.logGroup, retentionInDays: 30 },
      child,
    )
    this.executionRole = new iam.Role(
      'task-execution',
      { assumeRolePolicy: JSON.stringify(ASSUMED_BY_TASKS) },
      child,
    )
    const policy = new iam.RolePolicy(
      'task-execution',
      {
        role: this.executionRole.name,
        policy: JSON.stringify(
          executionPolicy({ cluster: this.cluster, log: this.logGroup, secret: plan.aws.secret }),
        ),
      },
      child,
    )
    this.#ready = [log, policy]
    this.registerOutputs({})
  }

  get cluster(): string {
    return this.#plan.aws.cluster as string
  }

  get logGroup(): string {
    return `/sluice/${this.#rollout}`
  }

  /** The definition of a task of one container, of Fargate. */
  define(
    name: string,
    container: Omit<ContainerArgs, 'name' | 'log' | 'secret'> & { name?: string },
  ): ecs.TaskDefinition {
    const { aws } = this.#plan
    return new ecs.TaskDefinition(
      `${name}-task`,
      {
        family: `sluice-${this.#rollout}-${name}`,
        requiresCompatibilities: ['FARGATE'],
        networkMode: 'awsvpc',
        cpu: String(aws.cpu),
        memory: String(aws.memory),
        executionRoleArn: this.executionRole.arn,
        ...(aws.taskRole === undefined ? {} : { taskRoleArn: aws.taskRole }),
        containerDefinitions: containerDefinitions({
          name,
          ...container,
          secret: aws.secret,
          log: { group: this.logGroup, region: this.cluster.split(':')[3] ?? '' },
        }),
      },
      { parent: this, dependsOn: this.#ready },
    )
  }

  /**
   * A service of ECS. It is there once all of its tasks run, and are healthy where a load balancer is
   * in front; a deployment that comes to nothing is taken back by ECS.
   * @param one true for what must never run twice, not even while it is replaced
   */
  serve(
    name: string,
    definition: ecs.TaskDefinition,
    { count, behind, one = false }: { count: number; behind?: Behind; one?: boolean },
    opts: pulumi.CustomResourceOptions,
  ): ecs.Service {
    const { aws } = this.#plan
    return new ecs.Service(
      name,
      {
        cluster: this.cluster,
        taskDefinition: definition.arn,
        launchType: 'FARGATE',
        desiredCount: count,
        deploymentMinimumHealthyPercent: one ? 0 : 100,
        deploymentMaximumPercent: one ? 100 : 200,
        deploymentCircuitBreaker: { enable: true, rollback: true },
        waitForSteadyState: true,
        networkConfiguration: {
          subnets: aws.subnets,
          securityGroups: aws.securityGroups,
          assignPublicIp: aws.publicAddresses,
        },
        ...(behind === undefined
          ? {}
          : {
              healthCheckGracePeriodSeconds: 60,
              loadBalancers: [
                {
                  targetGroupArn: behind.targetGroupArn,
                  containerName: name,
                  containerPort: behind.port,
                },
              ],
            }),
      },
      opts,
    )
  }
}

const ASSUMED_BY_TASKS = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'sts:AssumeRole',
      Principal: { Service: 'ecs-tasks.amazonaws.com' },
    },
  ],
}
