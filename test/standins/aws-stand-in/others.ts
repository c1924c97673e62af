import {
  CreateRoleCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import {
  CreateTopicCommand,
  DeleteTopicCommand,
  SNSClient,
  SubscribeCommand,
  UnsubscribeCommand,
} from '@aws-sdk/client-sns'
import {
  CreateQueueCommand,
  DeleteQueueCommand,
  GetQueueAttributesCommand,
  SQSClient,
} from '@aws-sdk/client-sqs'
import type { Props, ResourceType } from '../../../provider/protocol.ts'
import { newsQueue } from '../../beds/aws/news-harness.ts'
import { checkName } from './names.ts'

const iam = new IAMClient({})
const sns = new SNSClient({})
const sqs = new SQSClient({})

export const role: ResourceType = {
  check: checkName,
  computed: ['arn'],
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    const RoleName = String(inputs['name'])
    const { Role } = await iam.send(
      new CreateRoleCommand({
        RoleName,
        AssumeRolePolicyDocument: String(inputs['assumeRolePolicy']),
      }),
    )
    return { id: RoleName, outputs: { ...inputs, arn: Role?.Arn } }
  },
  async delete(_ctx, id) {
    await iam.send(new DeleteRoleCommand({ RoleName: id }))
  },
}

export const rolePolicy: ResourceType = {
  check: checkName,
  replaceOn: ['role', 'name'],
  async create(_ctx, inputs) {
    await putPolicy(inputs)
    return { id: `${inputs['role']}:${inputs['name']}`, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await putPolicy(news)
    return news
  },
  async delete(_ctx, _id, olds) {
    const [RoleName, PolicyName] = [String(olds['role']), String(olds['name'])]
    await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName }))
  },
}

async function putPolicy(inputs: Props): Promise<void> {
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: String(inputs['role']),
      PolicyName: String(inputs['name']),
      PolicyDocument: String(inputs['policy']),
    }),
  )
}

export const topic: ResourceType = {
  check: checkName,
  computed: ['arn'],
  async create(_ctx, inputs) {
    const { TopicArn } = await sns.send(new CreateTopicCommand({ Name: String(inputs['name']) }))
    return { id: TopicArn as string, outputs: { ...inputs, arn: TopicArn } }
  },
  async delete(_ctx, id) {
    await sns.send(new DeleteTopicCommand({ TopicArn: id }))
  },
}

export const queue: ResourceType = {
  check: checkName,
  computed: ['arn'],
  async create(_ctx, inputs) {
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: String(inputs['name']) }),
    )
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    )
    return { id: QueueUrl as string, outputs: { ...inputs, arn: Attributes?.['QueueArn'] } }
  },
  async delete(_ctx, id) {
    await sqs.send(new DeleteQueueCommand({ QueueUrl: id }))
  },
}

/**
 * A function's subscription. moto would run it in its own way, so that a queue stands in its place,
 * named by the function; the harness of the bed brings what comes there to the function.
 */
export const topicSubscription: ResourceType = {
  async create(_ctx, inputs) {
    const { QueueUrl } = await sqs.send(
      new CreateQueueCommand({ QueueName: newsQueue(String(inputs['endpoint'])) }),
    )
    const { Attributes } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }),
    )
    const { SubscriptionArn } = await sns.send(
      new SubscribeCommand({
        TopicArn: String(inputs['topic']),
        Protocol: 'sqs',
        Endpoint: Attributes?.['QueueArn'],
        ReturnSubscriptionArn: true,
      }),
    )
    return { id: SubscriptionArn as string, outputs: inputs }
  },
  async delete(_ctx, id) {
    await sns.send(new UnsubscribeCommand({ SubscriptionArn: id }))
  },
}
