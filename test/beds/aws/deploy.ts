import { PutMetricAlarmCommand } from '@aws-sdk/client-cloudwatch'
import { CreateSubnetCommand, CreateVpcCommand, EC2Client } from '@aws-sdk/client-ec2'
import {
  CreateListenerCommand,
  CreateLoadBalancerCommand,
  CreateRuleCommand,
  CreateTargetGroupCommand,
  RegisterTargetsCommand,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge'
import { CreateDBInstanceCommand } from '@aws-sdk/client-rds'
import { CreateTopicCommand } from '@aws-sdk/client-sns'
import { PutParameterCommand } from '@aws-sdk/client-ssm'
import { type AlarmSpec, alarmsOf, heartbeatAlarm } from '../../../platforms/aws/alarms.ts'
import { clientsOf } from '../../../platforms/aws/clients.ts'
import {
  ACCESS_HEADER,
  type AwsLayout,
  dimensionOf,
  parameterNames,
} from '../../../platforms/aws/layout.ts'
import type { AwsReference } from '../../../platforms/reference.ts'
import type { Plan } from '../../../rollout/plan.ts'
import { REGION } from './environment.ts'

/** Seconds of a period of the guardrails' alarms. */
const PERIOD_S = 2

/** What stands in an account before a rollout comes to it. */
export interface Account {
  listener: string
  groups: { blue: string; green: string }
  topic: string
  /** DBInstanceIdentifier. */
  database: string
  /** The name under which the hook's function will be known. */
  function: string
}

/** A load balancer with a listener, two target groups with one target each, a database, a topic. */
export async function createAccount(ports: { blue: number; green: number }): Promise<Account> {
  const clients = clientsOf({})
  const { balancer } = clients
  const ec2 = new EC2Client({})
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.0.0.0/16' }))
  const subnets = await Promise.all(
    ['a', 'b'].map(async (zone, index) => {
      const { Subnet } = await ec2.send(
        new CreateSubnetCommand({
          VpcId: Vpc?.VpcId,
          CidrBlock: `10.0.${index}.0/24`,
          AvailabilityZone: `${REGION}${zone}`,
        }),
      )
      return Subnet?.SubnetId as string
    }),
  )
  const { LoadBalancers = [] } = await balancer.send(
    new CreateLoadBalancerCommand({ Name: 'shop', Subnets: subnets }),
  )
  const group = async (Name: string, port: number) => {
    const { TargetGroups = [] } = await balancer.send(
      new CreateTargetGroupCommand({
        Name,
        Protocol: 'HTTP',
        Port: port,
        TargetType: 'ip',
        VpcId: Vpc?.VpcId,
        HealthCheckPath: '/healthz',
      }),
    )
    const TargetGroupArn = TargetGroups[0]?.TargetGroupArn as string
    await balancer.send(
      new RegisterTargetsCommand({ TargetGroupArn, Targets: [{ Id: '127.0.0.1', Port: port }] }),
    )
    return TargetGroupArn
  }
  const [blue, green] = [await group('blue', ports.blue), await group('green', ports.green)]
  const { Listeners = [] } = await balancer.send(
    new CreateListenerCommand({
      LoadBalancerArn: LoadBalancers[0]?.LoadBalancerArn,
      Protocol: 'HTTP',
      Port: 80,
      DefaultActions: [{ Type: 'fixed-response', FixedResponseConfig: { StatusCode: '404' } }],
    }),
  )
  const { TopicArn } = await clients.topics.send(new CreateTopicCommand({ Name: 'news' }))
  await clients.databases.send(
    new CreateDBInstanceCommand({
      DBInstanceIdentifier: 'orders-production',
      DBInstanceClass: 'db.t3.micro',
      Engine: 'postgres',
      MasterUsername: 'somebody',
      MasterUserPassword: 'not-a-real-one',
      AllocatedStorage: 20,
    }),
  )
  return {
    listener: Listeners[0]?.ListenerArn as string,
    groups: { blue, green },
    topic: TopicArn as string,
    database: 'orders-production',
    function: 'sluice-hook',
  }
}

/**
 * Deploys a rollout of one service as the components declare it, for the tests that have no engine:
 * the listener rules, the alarms, the rules of EventBridge, and the parameter that says where all is.
 */
export async function deployRollout(
  reference: AwsReference,
  plan: Plan,
  account: Account,
  clock: number,
): Promise<AwsLayout> {
  const clients = clientsOf(reference)
  const { tick = 60, name } = reference
  const [service] = Object.keys(plan.services) as [string]
  const { blue, green } = account.groups
  const { listener, topic } = account
  await clients.balancer.send(
    new CreateRuleCommand({
      ListenerArn: listener,
      Priority: 10,
      Conditions: [
        {
          Field: 'http-header',
          HttpHeaderConfig: { HttpHeaderName: ACCESS_HEADER, Values: ['green'] },
        },
      ],
      Actions: [{ Type: 'forward', ForwardConfig: { TargetGroups: [{ TargetGroupArn: green }] } }],
    }),
  )
  await clients.balancer.send(
    new CreateRuleCommand({
      ListenerArn: listener,
      Priority: 20,
      Conditions: [{ Field: 'path-pattern', PathPatternConfig: { Values: ['/*'] } }],
      Actions: [
        {
          Type: 'forward',
          ForwardConfig: {
            TargetGroups: [
              { TargetGroupArn: blue, Weight: 100 },
              { TargetGroupArn: green, Weight: 0 },
            ],
            TargetGroupStickinessConfig: { Enabled: false },
          },
        },
      ],
    }),
  )
  const layout: AwsLayout = {
    services: { [service]: { listener, priority: 20, blue, green } },
    topic,
    hook: account.function,
    databases: plan.aws.databases,
  }
  await clients.parameters.send(
    new PutParameterCommand({
      Name: parameterNames(name).layout,
      Value: JSON.stringify(layout),
      Type: 'String',
    }),
  )
  const hook = `arn:aws:lambda:${REGION}:123456789012:function:${account.function}`
  const measured = {
    [service]: {
      loadBalancer: dimensionOf(listener),
      blue: dimensionOf(blue),
      green: dimensionOf(green),
    },
  }
  for (const spec of alarmsOf(plan, name, measured, { clock, tick: PERIOD_S }))
    await putAlarm(spec, [hook])
  await putAlarm(heartbeatAlarm(name, tick), [topic])
  await bridge(name, hook)
  return layout
}

async function putAlarm(spec: AlarmSpec<string>, AlarmActions: string[]): Promise<void> {
  await clientsOf({}).metrics.send(
    new PutMetricAlarmCommand({
      AlarmName: spec.name,
      AlarmDescription: spec.description,
      ComparisonOperator: spec.comparison,
      Threshold: spec.threshold,
      EvaluationPeriods: spec.evaluationPeriods,
      DatapointsToAlarm: spec.datapointsToAlarm,
      TreatMissingData: spec.treatMissingData,
      ActionsEnabled: true,
      AlarmActions,
      Metrics: spec.queries.map(({ id, label, expression, metric, returnData }) => ({
        Id: id,
        Label: label,
        Expression: expression,
        ReturnData: returnData,
        ...(metric
          ? {
              MetricStat: {
                Stat: metric.stat,
                Period: metric.period,
                Metric: {
                  Namespace: metric.namespace,
                  MetricName: metric.metricName,
                  Dimensions: Object.entries(metric.dimensions).map(([Name, Value]) => ({
                    Name,
                    Value,
                  })),
                },
              },
            }
          : {}),
      })),
    }),
  )
}

async function bridge(name: string, hook: string): Promise<void> {
  const events = new EventBridgeClient({})
  await events.send(
    new PutRuleCommand({
      Name: `sluice-${name}-alarms`,
      EventPattern: JSON.stringify({
        source: ['aws.cloudwatch'],
        'detail-type': ['CloudWatch Alarm State Change'],
        detail: { alarmName: [{ prefix: `sluice/${name}/` }], state: { value: ['ALARM'] } },
      }),
    }),
  )
  await events.send(
    new PutRuleCommand({ Name: `sluice-${name}-minute`, ScheduleExpression: 'rate(1 minute)' }),
  )
  for (const Rule of [`sluice-${name}-alarms`, `sluice-${name}-minute`]) {
    await events.send(new PutTargetsCommand({ Rule, Targets: [{ Id: 'hook', Arn: hook }] }))
  }
}
