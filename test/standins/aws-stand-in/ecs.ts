import { setTimeout as pause } from 'node:timers/promises'
import {
  type ContainerDefinition,
  CreateServiceCommand,
  DeleteServiceCommand,
  DeregisterTaskDefinitionCommand,
  DescribeServicesCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
  UpdateServiceCommand,
} from '@aws-sdk/client-ecs'
import type { Context, Props, ResourceType } from '../../../provider/protocol.ts'
import { checkName } from './names.ts'

const ecs = new ECSClient({})
const LOOK_MS = 100

/** As of the real provider, another definition is another revision: a resource in place of the old. */
export const taskDefinition: ResourceType = {
  computed: ['arn', 'revision'],
  async create(_ctx, inputs) {
    const { taskDefinition } = await ecs.send(
      new RegisterTaskDefinitionCommand({
        family: String(inputs['family']),
        networkMode: 'awsvpc',
        requiresCompatibilities: ['FARGATE'],
        cpu: String(inputs['cpu']),
        memory: String(inputs['memory']),
        executionRoleArn: String(inputs['executionRoleArn']),
        taskRoleArn: inputs['taskRoleArn'] as string | undefined,
        containerDefinitions: JSON.parse(
          String(inputs['containerDefinitions']),
        ) as ContainerDefinition[],
      }),
    )
    const { taskDefinitionArn: arn, revision } = taskDefinition ?? {}
    return { id: String(arn), outputs: { ...inputs, arn, revision } }
  },
  async delete(_ctx, id) {
    await ecs.send(new DeregisterTaskDefinitionCommand({ taskDefinition: id }))
  },
}

export const service: ResourceType = {
  check: checkName,
  computed: ['arn'],
  replaceOn: ['name', 'cluster', 'loadBalancers'],
  async create(ctx, inputs) {
    const { service } = await ecs.send(
      new CreateServiceCommand({
        cluster: String(inputs['cluster']),
        serviceName: String(inputs['name']),
        taskDefinition: String(inputs['taskDefinition']),
        desiredCount: Number(inputs['desiredCount']),
        launchType: 'FARGATE',
        loadBalancers: inputs['loadBalancers'] as [],
        networkConfiguration: { awsvpcConfiguration: networkOf(inputs) },
      }),
    )
    await untilSteady(ctx, inputs)
    return { id: String(inputs['name']), outputs: { ...inputs, arn: service?.serviceArn } }
  },
  async update(ctx, id, olds, news) {
    await ecs.send(
      new UpdateServiceCommand({
        cluster: String(news['cluster']),
        service: id,
        taskDefinition: String(news['taskDefinition']),
        desiredCount: Number(news['desiredCount']),
      }),
    )
    await untilSteady(ctx, news)
    return { ...news, arn: olds['arn'] }
  },
  async delete(_ctx, id, olds) {
    const cluster = String(olds['cluster'])
    await ecs.send(new DeleteServiceCommand({ cluster, service: id, force: true }))
  },
}

function networkOf(inputs: Props) {
  const { subnets, securityGroups } = inputs['networkConfiguration'] as {
    subnets: string[]
    securityGroups: string[]
  }
  return { subnets, securityGroups }
}

/** What the real provider does where waitForSteadyState is set. */
async function untilSteady({ signal }: Context, inputs: Props): Promise<void> {
  if (inputs['waitForSteadyState'] !== true) return
  for (;;) {
    const { services } = await ecs.send(
      new DescribeServicesCommand({
        cluster: String(inputs['cluster']),
        services: [String(inputs['name'])],
      }),
    )
    if (services?.[0]?.runningCount === Number(inputs['desiredCount'])) return
    await pause(LOOK_MS, undefined, { signal })
  }
}
