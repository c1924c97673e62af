import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import * as lb from '@pulumi/aws/lb/index.js'
import * as ssm from '@pulumi/aws/ssm/parameter.js'
import * as pulumi from '@pulumi/pulumi'
import {
  type AwsLayout,
  type AwsService,
  parameterNames,
  TEST_HEADER,
} from '../../platforms/aws/layout.ts'
import { TICK } from '../../platforms/aws/reference.ts'
import { toRuleWeights } from '../../platforms/aws/rule-weights.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import type { DeclarePlatform, PlatformArgs } from '../platforms.ts'
import type { Weigh } from '../traffic-step.ts'
import { declareAlarms } from './guard.ts'
import { RollbackHook } from './hook.ts'
import { hookCode } from './hook-code.ts'
import { refusedOnAws } from './refusals.ts'

export type AwsPlatformArgs = PlatformArgs & { platform: AwsReference }

/** Priorities of a service: of its two test rules, and of the rule that splits its traffic. */
const PER_SERVICE = 3

/**
 * What a rollout consists of on AWS: a test rule of each colour, by which gates ask it past the
 * weights and which keeps green attached, and so health-checked, at weight 0; the parameter that says
 * where things are, the hook with its two paths and its minute, and the alarms.
 */
export class AwsPlatform extends pulumi.ComponentResource {
  constructor(name: string, args: AwsPlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:aws:Platform', name, {}, opts)
    const { platform, plan, planHash, clock, environment, keepBlue } = args
    const child = { parent: this }
    const services = servicesOf(plan, keepBlue)
    for (const [index, [service, groups]] of Object.entries(services).entries()) {
      const priority = plan.aws.priority + index * PER_SERVICE
      testRule(plan, service, groups, 'green', priority, child)
      testRule(plan, service, groups, 'blue', priority + 1, child)
    }
    const hook = new RollbackHook(
      'hook',
      {
        rollout: platform.name,
        listeners: [...new Set(Object.values(services).map(({ listener }) => listener))],
        secret: plan.aws.secret,
        tells: Object.keys(plan.notify).length > 0,
        code: codeFolder(args.folder, platform, { plan, planHash, clock, environment }),
      },
      child,
    )
    new ssm.Parameter(
      'layout',
      {
        name: parameterNames(platform.name).layout,
        type: 'String',
        value: pulumi.all([hook.topic.arn, hook.function.name]).apply(([topic, name]) =>
          JSON.stringify({
            services,
            topic,
            hook: name,
            databases: plan.aws.databases,
          } satisfies AwsLayout),
        ),
      },
      child,
    )
    declareAlarms(plan, platform.name, services, {
      clock,
      tick: platform.tick ?? TICK,
      hook,
      opts: child,
    })
    this.registerOutputs({})
  }
}

/** See {@link DeclarePlatform}. */
export const declareOnAws: DeclarePlatform = (name, { platform, ...args }, opts) => {
  if (platform.kind !== 'aws') throw new Error(`${platform.kind} is not the platform aws`)
  const problems = refusedOnAws(args.plan)
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))
  return {
    platform: new AwsPlatform(name, { ...args, platform }, opts),
    weigh: weighOnAws(args.plan, args.keepBlue),
  }
}

/**
 * The listener rule of a service, whose weights are those that were admitted. Stickiness is always
 * stated: left out, it stays as it was, and its cookie wins over the weights.
 */
export function weighOnAws(plan: Plan, keepBlue: boolean): Weigh {
  const services = servicesOf(plan, keepBlue)
  const order = Object.keys(services)
  return (service, weights, opts) => {
    const { listener, ...groups } = services[service] as AwsLayout['services'][string]
    return new lb.ListenerRule(
      `weights-${service}`,
      {
        listenerArn: listener,
        priority: plan.aws.priority + order.indexOf(service) * PER_SERVICE + PER_SERVICE - 1,
        conditions: [{ pathPattern: { values: pathsOf(plan, service) } }],
        actions: [
          {
            type: 'forward',
            forward: {
              targetGroups: weights.apply((now) => toRuleWeights(now, groups)),
              stickiness: { enabled: false, duration: 1 },
            },
          },
        ],
      },
      opts,
    )
  }
}

/** What is asked with the header of a colour reaches it, whatever the weights are. */
function testRule(
  plan: Plan,
  service: string,
  groups: AwsService,
  colour: ColourName,
  priority: number,
  opts: pulumi.CustomResourceOptions,
): void {
  const arn = groups[colour]
  if (arn === undefined) return
  new lb.ListenerRule(
    colour === 'green' ? `${service}-test` : `${service}-test-${colour}`,
    {
      listenerArn: groups.listener,
      priority,
      conditions: [
        { httpHeader: { httpHeaderName: TEST_HEADER, values: [colour] } },
        { pathPattern: { values: pathsOf(plan, service) } },
      ],
      actions: [
        {
          type: 'forward',
          forward: {
            targetGroups: [{ arn, weight: 1 }],
            stickiness: { enabled: false, duration: 1 },
          },
        },
      ],
    },
    opts,
  )
}

function servicesOf(plan: Plan, keepBlue: boolean): AwsLayout['services'] {
  return Object.fromEntries(
    Object.entries(plan.services).map(([name, { blue, green }]) => {
      const old = blue === 'none' ? undefined : blue.targetGroupArn
      return [
        name,
        {
          listener: plan.aws.listener as string,
          ...(keepBlue && old !== undefined ? { blue: old } : {}),
          green: green.targetGroupArn as string,
        },
      ]
    }),
  )
}

/** A route as the patterns of a listener rule. */
function pathsOf(plan: Plan, service: string): string[] {
  const routes = plan.services[service]?.routes ?? ['/']
  return routes.map((route) => `${route}*`)
}

/** The hook's files in a folder of their own: the engine's state keeps their hash, not their text. */
function codeFolder(
  checkout: string,
  reference: AwsReference,
  charge: Parameters<typeof hookCode>[1],
): pulumi.Output<pulumi.asset.Archive> {
  const written = hookCode(reference, charge, checkout).then((files) => {
    const folder = join(checkout, '.sluice', 'hook', reference.name)
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), text)
    }
    // What a plan of before was judged by is no part of this one.
    for (const old of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      const path = join(old.parentPath, old.name)
      if (old.isFile() && !(relative(folder, path) in files)) rmSync(path)
    }
    return new pulumi.asset.FileArchive(folder) as pulumi.asset.Archive
  })
  return pulumi.output(written)
}
