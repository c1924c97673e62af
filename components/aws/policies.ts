import { OWN_NAMESPACE } from '../../platforms/aws/alarms.ts'
import { LATCHED_TAG } from '../../platforms/aws/layout.ts'

/** A policy document of IAM. */
export interface PolicyDocument {
  Version: '2012-10-17'
  Statement: PolicyStatement[]
}

export interface PolicyStatement {
  Sid: string
  Effect: 'Allow' | 'Deny'
  Action: string[]
  Resource: string[]
  Condition?: Record<string, Record<string, string | string[]>>
}

/** What the hook's policy is about. */
export interface HookPolicyArgs {
  rollout: string
  /** The listeners whose rules split the rollout's traffic. */
  listeners: string[]
  topic: string
  /** Where events go that failed for good. */
  deadLetters: string
  /** The function's name: of its log, and of whom it may call, which is itself. */
  function: string
  /** The ARN of the entry of Secrets Manager that has the plan's variables. */
  secret?: string
  /** The rollouts of the plan's other environments, which its gates may look at. */
  beside?: string[]
  /** True where it runs in subnets, for which Lambda makes network interfaces in its name. */
  inSubnets?: boolean
}

/** As AWS' own AWSLambdaVPCAccessExecutionRole: they know no resource before it is made. */
const NETWORK_ACTIONS = [
  'ec2:CreateNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:DeleteNetworkInterface',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
]

/**
 * What the hook may do, and no more: its own parameters but not the layout, the rules of its
 * listeners, one tag on them, its own metrics, its topic, a call of itself, and the one secret that
 * the plan names. What has no resource of its own in IAM is
 * read-only, or held to a namespace.
 */
export function hookPolicy(args: HookPolicyArgs): PolicyDocument {
  const { rollout, listeners, topic, deadLetters } = args
  const where = partsOfArn(listeners[0] ?? '')
  const parametersOf = (name: string) =>
    `arn:${where.partition}:ssm:${where.region}:${where.account}:parameter/sluice/${name}`
  const parameters = parametersOf(rollout)
  const own = ['latch', 'journal', 'texts', 'events', 'judging'].map(
    (part) => `${parameters}/${part}/*`,
  )
  const rules = listeners.map((listener) => rulesOf(listener))
  const self = `arn:${where.partition}:lambda:${where.region}:${where.account}:function:${args.function}`
  const log = `arn:${where.partition}:logs:${where.region}:${where.account}:log-group:/aws/lambda/${args.function}`
  const allow = (Sid: string, Action: string[], Resource: string[]): PolicyStatement => ({
    Sid,
    Effect: 'Allow',
    Action,
    Resource,
  })
  return {
    Version: '2012-10-17',
    Statement: [
      allow(
        'ReadParameters',
        ['ssm:GetParameters', 'ssm:GetParametersByPath'],
        [rollout, ...(args.beside ?? [])].map(parametersOf).flatMap((of) => [of, `${of}/*`]),
      ),
      allow('WriteParameters', ['ssm:PutParameter'], [...own, `${parameters}/heartbeat`]),
      allow('PruneParameters', ['ssm:DeleteParameters'], own),
      allow(
        'ReadBalancer',
        [
          'elasticloadbalancing:DescribeRules',
          'elasticloadbalancing:DescribeTags',
          'elasticloadbalancing:DescribeTargetHealth',
        ],
        ['*'],
      ),
      allow('MoveTraffic', ['elasticloadbalancing:ModifyRule'], rules),
      {
        ...allow(
          'MarkAsLatched',
          ['elasticloadbalancing:AddTags', 'elasticloadbalancing:RemoveTags'],
          rules,
        ),
        Condition: { 'ForAllValues:StringEquals': { 'aws:TagKeys': [LATCHED_TAG] } },
      },
      allow('ReadMetrics', ['cloudwatch:DescribeAlarms', 'cloudwatch:GetMetricData'], ['*']),
      {
        ...allow('BeHeardOf', ['cloudwatch:PutMetricData'], ['*']),
        Condition: { StringEquals: { 'cloudwatch:namespace': OWN_NAMESPACE } },
      },
      allow('JudgeInACallOfItsOwn', ['lambda:InvokeFunction'], [self]),
      ...(args.secret === undefined
        ? []
        : [allow('ReadVariables', ['secretsmanager:GetSecretValue'], [args.secret])]),
      ...(args.inSubnets ? [allow('StandInSubnets', NETWORK_ACTIONS, ['*'])] : []),
      allow('Tell', ['sns:Publish'], [topic]),
      allow('TellOfFailures', ['sqs:SendMessage'], [deadLetters]),
      allow(
        'Log',
        ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'],
        [log, `${log}:*`],
      ),
    ],
  }
}

/**
 * What the deployer's role is denied: to change the rules of a rollout while they are marked as
 * latched, and to take the mark off, which is the hook's. So a weight that stands stale in the
 * engine's state cannot slip through, whatever flags an update has.
 */
export function deployerPolicy(listeners: string[]): PolicyDocument {
  const rules = listeners.map((listener) => rulesOf(listener))
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'NoRiseWhileLatched',
        Effect: 'Deny',
        Action: ['elasticloadbalancing:ModifyRule', 'elasticloadbalancing:DeleteRule'],
        Resource: rules,
        Condition: { StringEquals: { [`aws:ResourceTag/${LATCHED_TAG}`]: 'true' } },
      },
      {
        Sid: 'TheMarkIsTheHooks',
        Effect: 'Deny',
        Action: ['elasticloadbalancing:AddTags', 'elasticloadbalancing:RemoveTags'],
        Resource: rules,
        Condition: { 'ForAnyValue:StringEquals': { 'aws:TagKeys': [LATCHED_TAG] } },
      },
    ],
  }
}

/** The ARNs of every rule of a listener. */
function rulesOf(listener: string): string {
  return `${listener.replace(':listener/', ':listener-rule/')}/*`
}

function partsOfArn(arn: string): { partition: string; region: string; account: string } {
  const [, partition = 'aws', , region = '', account = ''] = arn.split(':')
  return { partition, region, account }
}
