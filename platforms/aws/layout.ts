import type { SSMClient } from '@aws-sdk/client-ssm'
import { z } from 'zod'
import { Unavailable } from '../platform.ts'
import { readParameters } from './parameters.ts'

const arn = z.string().regex(/^arn:/, { error: 'is no ARN' })

/**
 * Where the parts of a rollout are in the account. The program declares it as one parameter beside
 * latch and journal, so that the hook and the engine's provider look in the same place.
 */
export const layoutSchema = z.strictObject({
  services: z.record(
    z.string(),
    z.strictObject({
      /** The listener whose rule splits the service's traffic. */
      listener: arn,
      /** Of that rule: what it is known by where it does not forward to green yet. */
      priority: z.int().optional(),
      /** Absent once blue is retired. */
      blue: arn.optional(),
      green: arn,
    }),
  ),
  /** Where news goes. */
  topic: arn.optional(),
  /** The function that guards green. */
  hook: z.string().optional(),
  /** By the plan's name of a backup: the RDS instance it is a snapshot of. */
  databases: z.record(z.string(), z.string()).default({}),
  /** What commands of the plan run in; absent where it has none. */
  runner: z
    .strictObject({
      cluster: arn,
      taskDefinition: arn,
      container: z.string(),
      subnets: z.array(z.string()),
      securityGroups: z.array(z.string()),
      publicAddress: z.boolean(),
      /** The log group that has what they say. */
      log: z.string(),
    })
    .optional(),
  /** Ids of AppConfig, where the plan has flags. */
  flags: z
    .strictObject({
      application: z.string(),
      profile: z.string(),
      environment: z.string(),
      strategy: z.string(),
    })
    .optional(),
})

export type AwsLayout = z.output<typeof layoutSchema>
export type AwsFlags = NonNullable<AwsLayout['flags']>
export type AwsRunner = NonNullable<AwsLayout['runner']>
export type AwsService = AwsLayout['services'][string]

/** The parameters of a rollout. Only `layout` is managed by the engine. */
export function parameterNames(rollout: string) {
  const root = `/sluice/${rollout}`
  return {
    root,
    layout: `${root}/layout`,
    latch: `${root}/latch`,
    journal: `${root}/journal`,
    texts: `${root}/texts`,
    events: `${root}/events`,
    heartbeat: `${root}/heartbeat`,
    judging: `${root}/judging`,
  }
}

/** Where things are; undefined before the first deployment. */
export async function readLayout(ssm: SSMClient, rollout: string): Promise<AwsLayout | undefined> {
  const { layout: name } = parameterNames(rollout)
  const text = (await readParameters(ssm, [name])).get(name)
  if (text === undefined) return undefined
  const parsed = layoutSchema.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Unavailable(
    `${name} makes no sense: ${issue?.path.join('.')}: ${issue?.message}; next: pulumi up --refresh`,
  )
}

/** A request with it goes to green at any weight, by a rule of its own: blue or green. */
export const ACCESS_HEADER = 'x-sluice-access'

/** On a listener rule while latched; the deployer's policy denies a change of what bears it. */
export const LATCHED_TAG = 'sluice:latched'

/** `targetgroup/name/id` and `app/name/id`, by which CloudWatch knows what ARNs name. */
export function dimensionOf(arn: string): string {
  const name = arn.split(':').slice(5).join(':')
  if (name.startsWith('targetgroup/')) return name
  return name
    .replace(/^(loadbalancer|listener)\//, '')
    .split('/')
    .slice(0, 3)
    .join('/')
}
