import type { ResourceType } from '../../../provider/protocol.ts'
import { eventRule, eventTarget } from './events.ts'
import { invokeConfig, lambdaFunction, permission } from './lambda.ts'
import { listenerRule } from './listener-rule.ts'
import { metricAlarm } from './metric-alarm.ts'
import { queue, role, rolePolicy, topic, topicSubscription } from './others.ts'
import { parameter } from './parameter.ts'

/** Every resource that the stand-in knows; another one fails loudly. */
export const types: Record<string, ResourceType> = {
  'aws:cloudwatch/eventRule:EventRule': eventRule,
  'aws:cloudwatch/eventTarget:EventTarget': eventTarget,
  'aws:cloudwatch/metricAlarm:MetricAlarm': metricAlarm,
  'aws:iam/role:Role': role,
  'aws:iam/rolePolicy:RolePolicy': rolePolicy,
  'aws:lambda/function:Function': lambdaFunction,
  'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig': invokeConfig,
  'aws:lambda/permission:Permission': permission,
  'aws:lb/listenerRule:ListenerRule': listenerRule,
  'aws:sns/topic:Topic': topic,
  'aws:sns/topicSubscription:TopicSubscription': topicSubscription,
  'aws:sqs/queue:Queue': queue,
  'aws:ssm/parameter:Parameter': parameter,
}
