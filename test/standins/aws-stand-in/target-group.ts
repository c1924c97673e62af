import {
  CreateTargetGroupCommand,
  DeleteTargetGroupCommand,
  ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { ResourceType } from '../../../provider/protocol.ts'
import { checkName } from './names.ts'

const elb = new ElasticLoadBalancingV2Client({})

export const targetGroup: ResourceType = {
  check: checkName,
  computed: ['arn'],
  replaceOn: ['name', 'port', 'vpcId'],
  async create(_ctx, inputs) {
    const { path } = inputs['healthCheck'] as { path: string }
    const { TargetGroups = [] } = await elb.send(
      new CreateTargetGroupCommand({
        Name: String(inputs['name']),
        Protocol: 'HTTP',
        Port: Number(inputs['port']),
        TargetType: 'ip',
        VpcId: String(inputs['vpcId']),
        HealthCheckPath: path,
      }),
    )
    const arn = TargetGroups[0]?.TargetGroupArn as string
    return { id: arn, outputs: { ...inputs, arn } }
  },
  async update(_ctx, id, _olds, news) {
    return { ...news, arn: id }
  },
  async delete(_ctx, id) {
    await elb.send(new DeleteTargetGroupCommand({ TargetGroupArn: id }))
  },
}
