import { describe, expect, it } from 'vitest'
import { containerDefinitions } from '../../components/aws/container.ts'
import { flagStatements } from '../../components/aws/flags.ts'
import type { PolicyDocument } from '../../components/aws/policies.ts'
import { executionPolicy, runnerStatements } from '../../components/aws/policies-of-tasks.ts'
import { refusedOfTasks } from '../../components/aws/refusals-of-tasks.ts'
import { runnerSecrets, variablesOf } from '../../components/aws/variables.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { type Asked, isAllowed } from './iam-simulation.ts'

const at = (service: string, rest: string) => `arn:aws:${service}:eu-central-1:123456789012:${rest}`
const cluster = at('ecs', 'cluster/production')
const secret = at('secretsmanager', 'secret:shop-AbCdEf')
const role = 'arn:aws:iam::123456789012:role/task-execution'
const group = (name: string) => at('elasticloadbalancing', `targetgroup/${name}/1`)
const aws = {
  listener: at('elasticloadbalancing', 'listener/app/shop/a/b'),
  cluster,
  vpc: 'vpc-1',
  subnets: ['subnet-1'],
  securityGroups: ['sg-1'],
  secret,
}
const planOf = (more: object = {}) =>
  parsePlan({
    name: 'shop',
    services: {
      shop: {
        blue: { targetGroupArn: group('blue') },
        green: { image: 'shop:2', port: 8080, environment: { URL: 'env:ORDERS_URL', MODE: 'a' } },
      },
    },
    runner: { image: 'tools' },
    steps: [10, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    operations: { sync: { run: ['./sync'], until: 'retired' } },
    aws,
    ...more,
  }).plan

describe('the rights of the hook for commands, by a simulation on the document', () => {
  const family = 'sluice-shop-runner'
  const document: PolicyDocument = {
    Version: '2012-10-17',
    Statement: runnerStatements({ cluster, family, roles: [role] }),
  }
  const within = { 'ecs:cluster': cluster }
  const definition = at('ecs', `task-definition/${family}:7`)
  const passed = { 'iam:PassedToService': 'ecs-tasks.amazonaws.com' }

  it.each([
    { action: 'ecs:RunTask', resource: definition, context: within },
    { action: 'ecs:DescribeTasks', resource: at('ecs', 'task/production/1'), context: within },
    { action: 'ecs:StopTask', resource: at('ecs', 'task/production/1'), context: within },
    { action: 'iam:PassRole', resource: role, context: passed },
  ] satisfies Asked[])('allow $action', (asked) => {
    expect(isAllowed(document, asked)).toBe(true)
  })

  it.each([
    [
      'run what is not of the rollout',
      { action: 'ecs:RunTask', resource: at('ecs', 'task-definition/billing:1'), context: within },
    ],
    [
      'run it in another cluster',
      {
        action: 'ecs:RunTask',
        resource: definition,
        context: { 'ecs:cluster': at('ecs', 'cluster/billing') },
      },
    ],
    [
      'stop a task of another cluster',
      { action: 'ecs:StopTask', resource: at('ecs', 'task/billing/1'), context: within },
    ],
    ['give a task another role', { action: 'iam:PassRole', resource: `${role}-of-an-admin` }],
    [
      'give its role to a function',
      {
        action: 'iam:PassRole',
        resource: role,
        context: { 'iam:PassedToService': 'lambda.amazonaws.com' },
      },
    ],
    ['define what runs', { action: 'ecs:RegisterTaskDefinition', resource: '*' }],
    ['stop a colour', { action: 'ecs:UpdateService', resource: at('ecs', 'service/production/a') }],
    [
      'get into a task',
      { action: 'ecs:ExecuteCommand', resource: at('ecs', 'task/production/1'), context: within },
    ],
  ] satisfies [string, Asked][])('do not let it %s', (_what, asked) => {
    expect(isAllowed(document, asked)).toBe(false)
  })
})

describe('the rights of the hook for flags', () => {
  const app = at('appconfig', 'application/a')
  const arns = {
    app,
    profile: `${app}/configurationprofile/p`,
    environment: `${app}/environment/e`,
    strategy: at('appconfig', 'deploymentstrategy/s'),
  }
  const document: PolicyDocument = { Version: '2012-10-17', Statement: flagStatements(arns) }

  it('allow versions of the one profile, and deployments to the one environment', () => {
    const asked: [string, string][] = [
      ['CreateHostedConfigurationVersion', arns.profile],
      ['GetHostedConfigurationVersion', `${arns.profile}/hostedconfigurationversion/3`],
      ['StartDeployment', arns.environment],
      ['ListDeployments', arns.environment],
    ]
    for (const [action, resource] of asked) {
      expect(isAllowed(document, { action: `appconfig:${action}`, resource }), action).toBe(true)
    }
  })

  it('allow nothing of another profile or environment, and no change of either', () => {
    const asked: [string, string][] = [
      ['CreateHostedConfigurationVersion', `${app}/configurationprofile/other`],
      ['StartDeployment', `${app}/environment/other`],
      ['UpdateEnvironment', arns.environment],
      ['DeleteConfigurationProfile', arns.profile],
      ['UpdateDeploymentStrategy', arns.strategy],
    ]
    for (const [action, resource] of asked) {
      expect(isAllowed(document, { action: `appconfig:${action}`, resource }), action).toBe(false)
    }
  })
})

describe('the rights of ECS itself for the tasks', () => {
  const document = executionPolicy({ cluster, log: '/sluice/shop', secret })

  it('allow the one log and the one secret', () => {
    const log = at('logs', 'log-group:/sluice/shop:log-stream:runner/runner/1')
    expect(isAllowed(document, { action: 'logs:PutLogEvents', resource: log })).toBe(true)
    const action = 'secretsmanager:GetSecretValue'
    expect(isAllowed(document, { action, resource: secret })).toBe(true)
    expect(isAllowed(document, { action, resource: `${secret}-2` })).toBe(false)
    const other = at('logs', 'log-group:/aws/lambda/other:log-stream:1')
    expect(isAllowed(document, { action: 'logs:PutLogEvents', resource: other })).toBe(false)
  })
})

describe('a container of the plan', () => {
  it('has its secrets by their place, and its command as it is, past any shell', () => {
    const [container] = JSON.parse(
      containerDefinitions({
        name: 'sync',
        image: 'tools',
        command: ['./sync', '$(id); rm -rf "x"'],
        variables: variablesOf({ URL: 'env:ORDERS_URL', MODE: 'a' }),
        secret,
        log: { group: '/sluice/shop', region: 'eu-central-1' },
      }),
    )
    expect(container.command).toEqual(['./sync', '$(id); rm -rf "x"'])
    expect(container.environment).toEqual([{ name: 'MODE', value: 'a' }])
    expect(container.secrets).toEqual([{ name: 'URL', valueFrom: `${secret}:ORDERS_URL::` }])
  })
})

describe('what a plan asks of ECS', () => {
  it('is carried where everything is given', () => {
    expect(refusedOfTasks(planOf())).toEqual([])
  })

  it('is refused by name where something is missing, a line each', () => {
    const missing = planOf({ runner: undefined, aws: { listener: aws.listener } })
    expect(refusedOfTasks(missing)).toEqual([
      'plan.runner: is missing, and operations.sync is a command; give image, in which commands run',
      'plan.aws.cluster: is missing, and services.shop.green needs it; give the ARN of an ECS cluster',
      'plan.aws.subnets: is missing, and services.shop.green needs subnets in which tasks run',
      'plan.aws.securityGroups: is missing, and services.shop.green needs security groups of tasks',
      'plan.aws.vpc: is missing, and services.shop.green needs it; give the VPC of its target group',
      'plan.aws.secret: is missing, and services.shop.green reads env: names; give the ARN of the entry of Secrets Manager that has them as keys',
    ])
  })

  it('is refused where two commands mean different secrets by one variable', () => {
    const run = ['./run']
    const operations = {
      one: { run, at: 'before-step', environment: { URL: 'env:ORDERS_URL' } },
      two: { run, at: 'promoted', environment: { URL: 'env:BILLING_URL' } },
    }
    expect(refusedOfTasks(planOf({ operations }))).toEqual([
      'plan.operations.two.environment.URL: is env:BILLING_URL here and env:ORDERS_URL in operations.one; on aws all commands share their secrets, so give one of them another name',
    ])
  })

  it('gives what runs commands every variable that the plan names, and none of another platform', () => {
    const plan = planOf({
      operations: {
        one: { run: ['./run'], at: 'promoted', environment: { URL: 'env:ORDERS_URL', A: 'b' } },
      },
      backups: { orders: { postgres: 'env:BACKUP_URL' } },
      notify: { people: { slack: 'env:SLACK_URL' } },
    })
    expect(runnerSecrets(plan)).toEqual({
      URL: 'ORDERS_URL',
      ORDERS_URL: 'ORDERS_URL',
      BACKUP_URL: 'BACKUP_URL',
    })
  })
})
