import {
  type Action,
  CreateRuleCommand,
  DeleteRuleCommand,
  DescribeRulesCommand,
  ElasticLoadBalancingV2Client,
  ModifyRuleCommand,
  type RuleCondition,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { Props, ResourceType } from '../../../provider/protocol.ts'
import { untilLetGo } from './held-writes.ts'
import { notDenied } from './iam.ts'

const elb = new ElasticLoadBalancingV2Client({})

interface Forward {
  targetGroups: { arn: string; weight?: number }[]
  stickiness?: { enabled?: boolean; duration: number }
}

export const listenerRule: ResourceType = {
  computed: ['arn'],
  replaceOn: ['listenerArn'],
  async create(_ctx, inputs) {
    const { Rules = [] } = await elb.send(
      new CreateRuleCommand({
        ListenerArn: String(inputs['listenerArn']),
        Priority: Number(inputs['priority']),
        Conditions: conditionsOf(inputs),
        Actions: actionsOf(inputs),
      }),
    )
    const id = Rules[0]?.RuleArn as string
    return { id, outputs: { ...inputs, arn: id } }
  },
  async update(ctx, id, _olds, news) {
    await notDenied(elb, 'ModifyRule', id)
    await untilLetGo(ctx.signal)
    await elb.send(
      new ModifyRuleCommand({
        RuleArn: id,
        Conditions: conditionsOf(news),
        Actions: actionsOf(news),
      }),
    )
    return { ...news, arn: id }
  },
  async read(_ctx, id, olds) {
    const { Rules = [] } = await elb
      .send(new DescribeRulesCommand({ RuleArns: [id] }))
      .catch((error: Error) => {
        if (error.name.startsWith('RuleNotFound')) return { Rules: [] }
        throw error
      })
    const [rule] = Rules
    if (!rule) return undefined
    const forward = rule.Actions?.find(({ Type }) => Type === 'forward')?.ForwardConfig
    const actions = [
      {
        type: 'forward',
        forward: {
          targetGroups: (forward?.TargetGroups ?? []).map(({ TargetGroupArn, Weight }) => ({
            arn: TargetGroupArn,
            weight: Weight,
          })),
          stickiness: {
            enabled: forward?.TargetGroupStickinessConfig?.Enabled ?? false,
            duration: forward?.TargetGroupStickinessConfig?.DurationSeconds ?? 1,
          },
        },
      },
    ]
    return { outputs: { ...olds, actions } }
  },
  async delete(_ctx, id) {
    await notDenied(elb, 'DeleteRule', id)
    await elb.send(new DeleteRuleCommand({ RuleArn: id }))
  },
}

function conditionsOf(inputs: Props): RuleCondition[] {
  const conditions = inputs['conditions'] as {
    pathPattern?: { values: string[] }
    httpHeader?: { httpHeaderName: string; values: string[] }
  }[]
  return conditions.map(({ pathPattern, httpHeader }) =>
    pathPattern
      ? { Field: 'path-pattern', PathPatternConfig: { Values: pathPattern.values } }
      : {
          Field: 'http-header',
          HttpHeaderConfig: {
            HttpHeaderName: httpHeader?.httpHeaderName,
            Values: httpHeader?.values,
          },
        },
  )
}

function actionsOf(inputs: Props): Action[] {
  return (inputs['actions'] as { forward: Forward }[]).map(({ forward }) => ({
    Type: 'forward',
    ForwardConfig: {
      TargetGroups: forward.targetGroups.map(({ arn, weight }) => ({
        TargetGroupArn: arn,
        Weight: weight ?? 1,
      })),
      // As the real provider does: what is left out stays as it is.
      ...(forward.stickiness
        ? {
            TargetGroupStickinessConfig: {
              Enabled: forward.stickiness.enabled ?? false,
              DurationSeconds: forward.stickiness.duration,
            },
          }
        : {}),
    },
  }))
}
