import { describe, expect, it } from 'vitest'
import { deployerPolicy, hookPolicy } from '../../components/aws/policies.ts'
import { type Asked, isAllowed, isDenied } from './iam-simulation.ts'

const REGION = 'arn:aws:elasticloadbalancing:eu-central-1:123456789012'
const listener = `${REGION}:listener/app/shop/0123456789abcdef/fedcba9876543210`
const rule = `${REGION}:listener-rule/app/shop/0123456789abcdef/fedcba9876543210/aaaaaaaaaaaaaaaa`
const other = `${REGION}:listener-rule/app/shop/0123456789abcdef/1111111111111111/aaaaaaaaaaaaaaaa`
const parameter = (name: string) => `arn:aws:ssm:eu-central-1:123456789012:parameter/${name}`
const topic = 'arn:aws:sns:eu-central-1:123456789012:news-1234567'
const queue = 'arn:aws:sqs:eu-central-1:123456789012:failed-1234567'
const secret = 'arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-1234567'
const self = 'arn:aws:lambda:eu-central-1:123456789012:function:sluice-shop-hook'
const tag = (key: string) => ({ 'aws:TagKeys': [key] })

const ARGS = {
  rollout: 'shop',
  listeners: [listener],
  topic,
  deadLetters: queue,
  function: 'sluice-shop-hook',
  secret,
}
const policy = hookPolicy(ARGS)

/** Each call that the handler makes; hooks/lambda/hook.test.ts records that there is no other. */
const MADE: Asked[] = [
  { action: 'ssm:GetParameters', resource: parameter('sluice/shop/layout') },
  { action: 'ssm:GetParameters', resource: parameter('sluice/shop/heartbeat') },
  { action: 'ssm:GetParametersByPath', resource: parameter('sluice/shop/latch') },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/latch/00000002') },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/journal/00000009') },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/texts/abcdef.0') },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/events/20261121-abcdef01') },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/heartbeat') },
  { action: 'ssm:DeleteParameters', resource: parameter('sluice/shop/journal/00000001') },
  { action: 'elasticloadbalancing:DescribeRules', resource: '*' },
  { action: 'elasticloadbalancing:DescribeTags', resource: '*' },
  { action: 'elasticloadbalancing:DescribeTargetHealth', resource: '*' },
  { action: 'elasticloadbalancing:ModifyRule', resource: rule },
  {
    action: 'elasticloadbalancing:AddTags',
    resource: rule,
    context: tag('sluice:latched'),
  },
  {
    action: 'elasticloadbalancing:RemoveTags',
    resource: rule,
    context: tag('sluice:latched'),
  },
  { action: 'cloudwatch:DescribeAlarms', resource: '*' },
  { action: 'cloudwatch:GetMetricData', resource: '*' },
  {
    action: 'cloudwatch:PutMetricData',
    resource: '*',
    context: { 'cloudwatch:namespace': 'Sluice' },
  },
  { action: 'ssm:PutParameter', resource: parameter('sluice/shop/judging/00000003') },
  { action: 'lambda:InvokeFunction', resource: self },
  { action: 'secretsmanager:GetSecretValue', resource: secret },
  { action: 'sns:Publish', resource: topic },
  { action: 'sqs:SendMessage', resource: queue },
]

const NEVER: [string, Asked][] = [
  [
    'move the traffic of another listener',
    { action: 'elasticloadbalancing:ModifyRule', resource: other },
  ],
  ['delete its rule', { action: 'elasticloadbalancing:DeleteRule', resource: rule }],
  ['make a rule', { action: 'elasticloadbalancing:CreateRule', resource: listener }],
  ['change the listener', { action: 'elasticloadbalancing:ModifyListener', resource: listener }],
  [
    'set another tag on its rule',
    { action: 'elasticloadbalancing:AddTags', resource: rule, context: tag('owner') },
  ],
  [
    'take targets out',
    { action: 'elasticloadbalancing:DeregisterTargets', resource: `${REGION}:targetgroup/green/1` },
  ],
  [
    'write where things are',
    { action: 'ssm:PutParameter', resource: parameter('sluice/shop/layout') },
  ],
  [
    "write another rollout's latch",
    { action: 'ssm:PutParameter', resource: parameter('sluice/shop2/latch/00000001') },
  ],
  [
    "read another rollout's latch",
    { action: 'ssm:GetParametersByPath', resource: parameter('sluice/shop2/latch') },
  ],
  ['read a secret', { action: 'ssm:GetParameters', resource: parameter('database/password') }],
  [
    'delete where things are',
    { action: 'ssm:DeleteParameters', resource: parameter('sluice/shop/layout') },
  ],
  ['silence an alarm', { action: 'cloudwatch:DisableAlarmActions', resource: '*' }],
  ['set the state of an alarm', { action: 'cloudwatch:SetAlarmState', resource: '*' }],
  ['delete an alarm', { action: 'cloudwatch:DeleteAlarms', resource: '*' }],
  [
    "forge the load balancer's metrics",
    {
      action: 'cloudwatch:PutMetricData',
      resource: '*',
      context: { 'cloudwatch:namespace': 'AWS/ApplicationELB' },
    },
  ],
  ['tell another topic', { action: 'sns:Publish', resource: `${topic}-2` }],
  [
    'change its own code',
    {
      action: 'lambda:UpdateFunctionCode',
      resource: 'arn:aws:lambda:eu-central-1:123456789012:function:sluice-shop-hook',
    },
  ],
  [
    'give itself more',
    {
      action: 'iam:PutRolePolicy',
      resource: 'arn:aws:iam::123456789012:role/hook-role-1234567',
    },
  ],
  ['delete a database', { action: 'rds:DeleteDBInstance', resource: '*' }],
  ['delete a snapshot', { action: 'rds:DeleteDBSnapshot', resource: '*' }],
  ['stop a service', { action: 'ecs:UpdateService', resource: '*' }],
  [
    'read another secret',
    { action: 'secretsmanager:GetSecretValue', resource: secret.replace('shop', 'mail') },
  ],
  ['change its secret', { action: 'secretsmanager:PutSecretValue', resource: secret }],
  ['call another function', { action: 'lambda:InvokeFunction', resource: `${self}-2` }],
]

describe("the hook's policy, by a simulation on the document", () => {
  it.each(MADE.map((asked) => [`${asked.action} on ${asked.resource}`, asked] as const))(
    'allows what the handler does: %s',
    (_what, asked) => {
      expect(isAllowed(policy, asked)).toBe(true)
    },
  )

  it.each(NEVER)('does not let it %s', (_what, asked) => {
    expect(isAllowed(policy, asked)).toBe(false)
  })

  it("lets it read what the plan's other environments keep, and change nothing of it", () => {
    const [own, there] = [{ ...ARGS }, { ...ARGS, beside: ['shop-staging'] }].map(hookPolicy)
    const latch = parameter('sluice/shop-staging/latch')
    const read = { action: 'ssm:GetParametersByPath', resource: latch }
    const write = { action: 'ssm:PutParameter', resource: `${latch}/00000001` }
    expect(isAllowed(own as typeof policy, read)).toBe(false)
    expect(isAllowed(there as typeof policy, read)).toBe(true)
    expect(isAllowed(there as typeof policy, write)).toBe(false)
  })

  it('lets it stand in subnets only where the plan says so', () => {
    const asked = { action: 'ec2:CreateNetworkInterface', resource: '*' }
    const [own, there] = [{ ...ARGS }, { ...ARGS, inSubnets: true }].map(hookPolicy)
    expect(isAllowed(own as typeof policy, asked)).toBe(false)
    expect(isAllowed(there as typeof policy, asked)).toBe(true)
    const another = { action: 'ec2:RunInstances', resource: '*' }
    expect(isAllowed(there as typeof policy, another)).toBe(false)
  })

  it('allows nothing by a wildcard in an action', () => {
    const actions = policy.Statement.flatMap(({ Action }) => Action)
    expect(actions.filter((action) => action.includes('*'))).toEqual([])
  })
})

describe("the deployer's policy, by a simulation on the document", () => {
  const denied = deployerPolicy([listener])
  const latched = { 'aws:ResourceTag/sluice:latched': 'true' }

  it.each(['ModifyRule', 'DeleteRule'])(
    'denies %s of a rule that is marked as latched, and of no other',
    (name) => {
      const action = `elasticloadbalancing:${name}`
      expect(isDenied(denied, { action, resource: rule, context: latched })).toBe(true)
      expect(isDenied(denied, { action, resource: rule })).toBe(false)
      expect(isDenied(denied, { action, resource: other, context: latched })).toBe(false)
    },
  )

  it.each(['AddTags', 'RemoveTags'])(
    'denies %s of the mark, among others too, and leaves every other tag alone',
    (name) => {
      const asks = (...keys: string[]) => ({
        ...{ action: `elasticloadbalancing:${name}`, resource: rule },
        context: { 'aws:TagKeys': keys },
      })
      expect(isDenied(denied, asks('sluice:latched'))).toBe(true)
      expect(isDenied(denied, asks('owner', 'sluice:latched'))).toBe(true)
      expect(isDenied(denied, asks('owner'))).toBe(false)
    },
  )
})
