import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import * as lb from '@pulumi/aws/lb/index.js'
import * as ssm from '@pulumi/aws/ssm/parameter.js'
import * as pulumi from '@pulumi/pulumi'
import { ACCESS_HEADER, type AwsLayout, parameterNames } from '../../platforms/aws/layout.ts'
import { TICK } from '../../platforms/aws/reference.ts'
import { toRuleWeights } from '../../platforms/aws/rule-weights.ts'
import type { AwsReference } from '../../platforms/reference.ts'
import { rolloutOf } from '../../rollout/environments.ts'
import type { ColourName, Plan } from '../../rollout/plan.ts'
import type { DeclarePlatform, PlatformArgs, PlatformOutputs } from '../platforms.ts'
import type { Weigh } from '../traffic-step.ts'
import { declareGroup, declareService, type StartedColour, startedColours } from './colours.ts'
import { declareFlags } from './flags.ts'
import { declareAlarms } from './guard.ts'
import { RollbackHook } from './hook.ts'
import { hookCode } from './hook-code.ts'
import { refusedOnAws } from './refusals.ts'
import { declareRunner, declareSupervised } from './runner.ts'
import { Tasks } from './tasks.ts'
import { commandsOf } from './variables.ts'
import { warnedOnAws } from './warnings.ts'

export type AwsPlatformArgs = PlatformArgs & { platform: AwsReference }

/** Priorities of a service: of its test rules, one a colour, and of the rule that splits its traffic. */
const COLOURS = 2
const PER_SERVICE = COLOURS + 1

/** The target groups of the services; of colours that the platform starts they are not known yet. */
type AwsServices = Record<
  string,
  {
    listener: string
    /** Of the rule that splits its traffic. */
    priority: number
    blue?: pulumi.Input<string>
    green: pulumi.Input<string>
  }
>

/**
 * What a rollout consists of on AWS: a test rule of each colour, by which gates ask it past the
 * weights and which keeps green attached, and so health-checked, at weight 0; the colours that it
 * starts and what runs the plan's commands; the parameter that says where things are, the hook with
 * its two paths and its minute, and the alarms.
 */
export class AwsPlatform extends pulumi.ComponentResource {
  readonly services: AwsServices
  readonly outputs: PlatformOutputs

  constructor(name: string, args: AwsPlatformArgs, opts?: pulumi.ComponentResourceOptions) {
    super('sluice:aws:Platform', name, {}, opts)
    const { platform, plan, planHash, clock, environment, keepBlue } = args
    const child = { parent: this }
    const started = startedColours(plan, keepBlue).map(({ service, name: colour, definition }) =>
      declareGroup(plan, service, colour, definition, child),
    )
    const services = servicesOf(plan, keepBlue, started)
    this.services = services
    const tasks = usesTasks(plan)
      ? new Tasks('tasks', { rollout: platform.name, plan }, child)
      : undefined
    for (const [service, groups] of Object.entries(services)) {
      for (const [offset, colour] of (['green', 'blue'] as const).entries()) {
        const priority = groups.priority - COLOURS + offset
        const rule = testRule(plan, service, groups, colour, priority, child)
        const own = started.find((one) => one.service === service && one.name === colour)
        if (tasks && rule && own) declareService(plan, tasks, own, rule, this)
      }
    }
    const runner = tasks && declareRunner(plan, platform.name, tasks)
    if (tasks) declareSupervised(plan, args.position, tasks, child)
    const flags = declareFlags(plan, platform.name, child)
    const hook = new RollbackHook(
      'hook',
      {
        rollout: platform.name,
        listeners: [...new Set(Object.values(services).map(({ listener }) => listener))],
        secret: plan.aws.secret,
        ...(plan.aws.functionInSubnets
          ? { network: { subnetIds: plan.aws.subnets, securityGroupIds: plan.aws.securityGroups } }
          : {}),
        beside: (plan.environments ?? [])
          .filter((other) => other !== environment)
          .map((other) => rolloutOf(plan, other)),
        tells: Object.keys(plan.notify).length > 0,
        statements: pulumi
          .all([runner?.statements ?? [], flags?.statements ?? []])
          .apply((all) => all.flat()),
        code: codeFolder(args.folder, platform, { plan, planHash, clock, environment }),
      },
      child,
    )
    new ssm.Parameter(
      'layout',
      {
        name: parameterNames(platform.name).layout,
        type: 'String',
        value: pulumi
          .all([hook.topic.arn, hook.function.name, services, runner?.layout, flags?.layout])
          .apply(([topic, name, known, running, flagged]) =>
            JSON.stringify({
              services: known,
              topic,
              hook: name,
              databases: plan.aws.databases,
              ...(running === undefined ? {} : { runner: running }),
              ...(flagged === undefined ? {} : { flags: flagged }),
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
    this.outputs = { topic: hook.topic.arn, deployerPolicy: hook.deployerPolicy }
    this.registerOutputs({ ...this.outputs })
  }
}

/** See {@link DeclarePlatform}. */
export const declareOnAws: DeclarePlatform = (name, { platform, ...args }, opts) => {
  if (platform.kind !== 'aws') throw new Error(`${platform.kind} is not the platform aws`)
  const problems = refusedOnAws(args.plan)
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))
  for (const warning of warnedOnAws(args.plan)) void pulumi.log.warn(warning)
  const declared = new AwsPlatform(name, { ...args, platform }, opts)
  const { services, outputs } = declared
  return { platform: declared, weigh: weighOnAws(args.plan, services), outputs }
}

/**
 * The listener rule of a service, whose weights are those that were admitted. Stickiness is always
 * stated: left out, it stays as it was, and its cookie wins over the weights.
 */
export function weighOnAws(plan: Plan, services: AwsServices): Weigh {
  return (service, weights, opts) => {
    const { listener, priority, blue, green } = services[service] as AwsServices[string]
    return new lb.ListenerRule(
      `weights-${service}`,
      {
        listenerArn: listener,
        priority,
        conditions: [{ pathPattern: { values: pathsOf(plan, service) } }],
        actions: [
          {
            type: 'forward',
            forward: {
              targetGroups: pulumi
                .all([weights, { blue, green }])
                .apply(([now, groups]) => toRuleWeights(now, groups)),
              stickiness: { enabled: false, duration: 1 },
            },
          },
        ],
      },
      // The hook's mark is a tag: an update that has refreshed would take it off, or be denied that.
      { ...opts, ignoreChanges: ['tags', 'tagsAll'] },
    )
  }
}

/** What is asked with the header of a colour reaches it, whatever the weights are. */
function testRule(
  plan: Plan,
  service: string,
  groups: AwsServices[string],
  colour: ColourName,
  priority: number,
  opts: pulumi.CustomResourceOptions,
): lb.ListenerRule | undefined {
  const arn = groups[colour]
  if (arn === undefined) return undefined
  return new lb.ListenerRule(
    colour === 'green' ? `${service}-test` : `${service}-test-${colour}`,
    {
      listenerArn: groups.listener,
      priority,
      conditions: [
        { httpHeader: { httpHeaderName: ACCESS_HEADER, values: [colour] } },
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

function servicesOf(plan: Plan, keepBlue: boolean, started: readonly StartedColour[]): AwsServices {
  return Object.fromEntries(
    Object.entries(plan.services).map(([name, service], index) => {
      const groupOf = (colour: ColourName): pulumi.Input<string> | undefined => {
        const own = started.find((one) => one.service === name && one.name === colour)
        const given = service[colour]
        return own?.group.arn ?? (given === 'none' ? undefined : given.targetGroupArn)
      }
      const blue = keepBlue ? groupOf('blue') : undefined
      return [
        name,
        {
          listener: plan.aws.listener as string,
          priority: plan.aws.priority + index * PER_SERVICE + COLOURS,
          ...(blue === undefined ? {} : { blue }),
          green: groupOf('green') as pulumi.Input<string>,
        },
      ]
    }),
  )
}

/** True where something of the plan runs in ECS. */
function usesTasks(plan: Plan): boolean {
  return (
    startedColours(plan, true).length > 0 ||
    commandsOf(plan).length > 0 ||
    Object.keys(plan.operations).length > 0
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
