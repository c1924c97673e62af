import type { ResourceType } from '../../../provider/protocol.ts'
import { application, configurationProfile, deploymentStrategy, environment } from './appconfig.ts'
import { service, taskDefinition } from './ecs.ts'
import { eventRule, eventTarget } from './events.ts'
import { lambdaFunction, permission, stateOnly } from './lambda.ts'
import { listenerRule } from './listener-rule.ts'
import { metricAlarm } from './metric-alarm.ts'
import { queue, role, rolePolicy, topic, topicSubscription } from './others.ts'
import { parameter } from './parameter.ts'
import { targetGroup } from './target-group.ts'

/** Every resource that the stand-in knows; another one fails loudly. */
export const types: Record<string, ResourceType> = {
  'aws:appconfig/application:Application': application,
  'aws:appconfig/configurationProfile:ConfigurationProfile': configurationProfile,
  'aws:appconfig/deploymentStrategy:DeploymentStrategy': deploymentStrategy,
  'aws:appconfig/environment:Environment': environment,
  'aws:cloudwatch/eventRule:EventRule': eventRule,
  'aws:cloudwatch/eventTarget:EventTarget': eventTarget,
  // moto's logs need a client of their own; a group is kept in state alone.
  'aws:cloudwatch/logGroup:LogGroup': stateOnly,
  'aws:cloudwatch/metricAlarm:MetricAlarm': metricAlarm,
  'aws:ecs/service:Service': service,
  'aws:ecs/taskDefinition:TaskDefinition': taskDefinition,
  'aws:iam/role:Role': role,
  'aws:iam/rolePolicy:RolePolicy': rolePolicy,
  'aws:lambda/function:Function': lambdaFunction,
  'aws:lambda/functionEventInvokeConfig:FunctionEventInvokeConfig': stateOnly,
  'aws:lambda/permission:Permission': permission,
  'aws:lb/listenerRule:ListenerRule': listenerRule,
  'aws:lb/targetGroup:TargetGroup': targetGroup,
  'aws:sns/topic:Topic': topic,
  'aws:sns/topicSubscription:TopicSubscription': topicSubscription,
  'aws:sqs/queue:Queue': queue,
  'aws:ssm/parameter:Parameter': parameter,
}
