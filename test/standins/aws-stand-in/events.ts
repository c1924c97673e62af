import {
  DeleteRuleCommand,
  EventBridgeClient,
  PutRuleCommand,
  PutTargetsCommand,
  RemoveTargetsCommand,
} from '@aws-sdk/client-eventbridge'
import type { Props, ResourceType } from '../../../provider/protocol.ts'

const events = new EventBridgeClient({})

export const eventRule: ResourceType = {
  computed: ['arn'],
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    return { id: String(inputs['name']), outputs: { ...inputs, arn: await putRule(inputs) } }
  },
  async update(_ctx, _id, _olds, news) {
    return { ...news, arn: await putRule(news) }
  },
  async delete(_ctx, id) {
    await events.send(new DeleteRuleCommand({ Name: id }))
  },
}

async function putRule(inputs: Props): Promise<string> {
  const { RuleArn } = await events.send(
    new PutRuleCommand({
      Name: String(inputs['name']),
      EventPattern: inputs['eventPattern'] as string | undefined,
      ScheduleExpression: inputs['scheduleExpression'] as string | undefined,
    }),
  )
  return RuleArn ?? ''
}

export const eventTarget: ResourceType = {
  replaceOn: ['rule'],
  async create(ctx, inputs) {
    await putTarget(inputs, ctx.name)
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, id, _olds, news) {
    await putTarget(news, id)
    return news
  },
  async delete(_ctx, id, olds) {
    await events.send(new RemoveTargetsCommand({ Rule: String(olds['rule']), Ids: [id] }))
  },
}

async function putTarget(inputs: Props, Id: string): Promise<void> {
  const Targets = [{ Id, Arn: String(inputs['arn']) }]
  await events.send(new PutTargetsCommand({ Rule: String(inputs['rule']), Targets }))
}
