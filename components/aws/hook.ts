import * as cloudwatch from '@pulumi/aws/cloudwatch/index.js'
import * as iam from '@pulumi/aws/iam/index.js'
import * as lambda from '@pulumi/aws/lambda/index.js'
import * as sns from '@pulumi/aws/sns/index.js'
import * as sqs from '@pulumi/aws/sqs/queue.js'
import * as pulumi from '@pulumi/pulumi'
import { RUNTIME } from './hook-code.ts'
import { deployerPolicy, hookPolicy, type PolicyStatement } from './policies.ts'

export interface RollbackHookArgs {
  rollout: string
  listeners: string[]
  /** The ARN of the entry of Secrets Manager that has the plan's variables. */
  secret?: string
  /** The rollouts of the plan's other environments. */
  beside: string[]
  /** True where the plan has channels, which the function tells what comes to the topic. */
  tells: boolean
  /** What it may do besides, for the plan's commands and flags. */
  statements: pulumi.Input<PolicyStatement[]>
  /** Where it runs; default outside of every VPC. */
  network?: { subnetIds: string[]; securityGroupIds: string[] }
  code: pulumi.Input<pulumi.asset.Archive>
}

/** The longest that AWS lets a function run: long gates are judged in it. Other calls end long before. */
const TIMEOUT_S = 900

/**
 * The rollback hook: a function that every alarm calls itself, that EventBridge calls for the same
 * alarm on a second path, and that looks at everything once a minute. What it could not do goes to a
 * queue; news goes to a topic.
 */
export class RollbackHook extends pulumi.ComponentResource {
  readonly function: lambda.Function
  readonly topic: sns.Topic
  /** Attached by whoever owns the deployer's role: a stack cannot deny itself its own removal. JSON. */
  readonly deployerPolicy: pulumi.Output<string>

  constructor(name: string, args: RollbackHookArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:aws:RollbackHook', name, {}, opts)
    const child = { parent: this }
    const { rollout, listeners, secret, statements, code } = args
    const functionName = `sluice-${rollout}-hook`
    this.topic = new sns.Topic('news', {}, child)
    const failed = new sqs.Queue('failed', { messageRetentionSeconds: 1_209_600 }, child)
    const role = new iam.Role(
      'hook-role',
      { assumeRolePolicy: JSON.stringify(ASSUMED_BY_LAMBDA) },
      child,
    )
    const policy = new iam.RolePolicy(
      'hook-policy',
      {
        role: role.name,
        policy: pulumi
          .all([this.topic.arn, failed.arn, statements])
          .apply(([topic, deadLetters, more]) => {
            const own = {
              ...{ rollout, listeners, secret, topic, deadLetters, function: functionName },
              beside: args.beside,
              inSubnets: args.network !== undefined,
            }
            const policy = hookPolicy(own)
            return JSON.stringify({ ...policy, Statement: [...policy.Statement, ...more] })
          }),
      },
      child,
    )
    this.function = new lambda.Function(
      'hook-function',
      {
        name: functionName,
        role: role.arn,
        runtime: RUNTIME,
        architectures: ['arm64'],
        handler: 'index.handler',
        code,
        memorySize: 512,
        timeout: TIMEOUT_S,
        ...(args.network === undefined ? {} : { vpcConfig: args.network }),
      },
      { ...child, dependsOn: [policy] },
    )
    new lambda.FunctionEventInvokeConfig(
      'hook-retries',
      {
        functionName: this.function.name,
        maximumRetryAttempts: 2,
        destinationConfig: { onFailure: { destination: failed.arn } },
      },
      child,
    )
    const account = listeners[0]?.split(':')[4] ?? ''
    const prefix = (listeners[0] ?? '').split(':').slice(0, 2).join(':')
    const region = listeners[0]?.split(':')[3] ?? ''
    new lambda.Permission(
      'called-by-alarms',
      {
        function: this.function.name,
        action: 'lambda:InvokeFunction',
        principal: 'lambda.alarms.cloudwatch.amazonaws.com',
        sourceAccount: account,
        sourceArn: `${prefix}:cloudwatch:${region}:${account}:alarm:sluice/${rollout}/*`,
      },
      child,
    )
    this.#rule('alarms', rollout, child, {
      eventPattern: JSON.stringify({
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: `sluice/${rollout}/` }], state: { value: ['ALARM'] } },
      }),
    })
    this.#rule('minute', rollout, child, { scheduleExpression: 'rate(1 minute)' })
    if (args.tells) this.#hearNews(child)
    this.deployerPolicy = pulumi.output(JSON.stringify(deployerPolicy(listeners)))
    this.registerOutputs({ topic: this.topic.arn, deployerPolicy: this.deployerPolicy })
  }

  #hearNews(child: pulumi.CustomResourceOptions): void {
    new lambda.Permission(
      'called-by-news',
      {
        function: this.function.name,
        action: 'lambda:InvokeFunction',
        principal: 'sns.amazonaws.com',
        sourceArn: this.topic.arn,
      },
      child,
    )
    new sns.TopicSubscription(
      'news-to-hook',
      { topic: this.topic.arn, protocol: 'lambda', endpoint: this.function.arn },
      child,
    )
  }

  #rule(
    name: string,
    rollout: string,
    child: pulumi.CustomResourceOptions,
    when: { eventPattern: string } | { scheduleExpression: string },
  ): void {
    const rule = new cloudwatch.EventRule(
      name,
      { name: `sluice-${rollout}-${name}`, ...when },
      child,
    )
    new cloudwatch.EventTarget(name, { rule: rule.name, arn: this.function.arn }, child)
    new lambda.Permission(
      `called-by-${name}-rule`,
      {
        function: this.function.name,
        action: 'lambda:InvokeFunction',
        principal: 'events.amazonaws.com',
        sourceArn: rule.arn,
      },
      child,
    )
  }
}

const ASSUMED_BY_LAMBDA = {
  Version: '2012-10-17',
  Statement: [
    { Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' } },
  ],
}
