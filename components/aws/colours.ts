import * as lb from '@pulumi/aws/lb/index.js'
import type * as pulumi from '@pulumi/pulumi'
import type { Colour, ColourName, Plan } from '../../rollout/plan.ts'
import type { Tasks } from './tasks.ts'
import { variablesOf } from './variables.ts'

/** Requests in flight of a target that goes. */
const DEREGISTRATION_S = 30

/** A colour that is an image: its target group, whose targets its tasks will be. */
export interface StartedColour {
  service: string
  name: ColourName
  colour: Colour & { image: string; port: number }
  group: lb.TargetGroup
}

/** The colours of the plan that the platform starts. Pure. */
export function startedColours(
  plan: Plan,
  keepBlue: boolean,
): { service: string; name: ColourName; definition: StartedColour['colour'] }[] {
  return Object.entries(plan.services).flatMap(([service, { blue, green }]) =>
    (['green', 'blue'] as const).flatMap((name) => {
      const definition = name === 'green' ? green : blue
      return isStarted(definition) && (name === 'green' || keepBlue)
        ? [{ service, name, definition }]
        : []
    }),
  )
}

/** True for a colour that the platform starts. */
export function isStarted(colour: Colour | 'none'): colour is StartedColour['colour'] {
  return colour !== 'none' && colour.image !== undefined && colour.targetGroupArn === undefined
}

/**
 * The target group of a colour. Its name is made by the provider, as a fixed one could not be replaced;
 * it has no stickiness of its own, with which AWS would refuse the weights.
 */
export function declareGroup(
  plan: Plan,
  service: string,
  name: ColourName,
  colour: StartedColour['colour'],
  opts: pulumi.CustomResourceOptions,
): StartedColour {
  const group = new lb.TargetGroup(
    `${service}-${name}`,
    {
      port: colour.port,
      protocol: 'HTTP',
      targetType: 'ip',
      vpcId: plan.aws.vpc as string,
      deregistrationDelay: DEREGISTRATION_S,
      healthCheck: {
        path: plan.services[service]?.health ?? '/',
        matcher: '200-299',
        interval: 10,
        timeout: 5,
        healthyThreshold: 2,
        unhealthyThreshold: 2,
      },
    },
    opts,
  )
  return { service, name, colour, group }
}

/**
 * The tasks of a colour behind its target group, the whole of its capacity from the beginning: green's
 * is there before its weight rises, and blue keeps its own until it is deleted.
 * @param attached the rule that attaches the group to the load balancer: ECS refuses one that is not
 */
export function declareService(
  plan: Plan,
  tasks: Tasks,
  { service, name, colour, group }: StartedColour,
  attached: pulumi.Resource,
  parent: pulumi.Resource,
): void {
  const { plain, secret } = variablesOf(colour.environment)
  const called = `${service}-${name}`
  const definition = tasks.define(called, {
    image: colour.image,
    ...(colour.command === undefined ? {} : { command: colour.command }),
    port: colour.port,
    variables: { plain: { ...plain, PORT: String(colour.port), HOST: '0.0.0.0' }, secret },
  })
  tasks.serve(
    called,
    definition,
    { count: plan.aws.tasks, behind: { targetGroupArn: group.arn, port: colour.port } },
    { parent, dependsOn: [attached] },
  )
}
