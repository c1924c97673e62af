import * as appconfig from '@pulumi/aws/appconfig/index.js'
import * as pulumi from '@pulumi/pulumi'
import type { AwsFlags } from '../../platforms/aws/layout.ts'
import type { Plan } from '../../rollout/plan.ts'
import type { PolicyStatement } from './policies.ts'

export interface Flags {
  layout: pulumi.Output<AwsFlags>
  statements: pulumi.Output<PolicyStatement[]>
}

/**
 * Where the flags of the plan are, in AppConfig: a freeform profile in flagd's form. The hook writes its
 * versions and deploys them, to everybody at once and without a bake: a way back must not wait. Undefined
 * where the plan has no flags.
 */
export function declareFlags(
  plan: Plan,
  rollout: string,
  child: pulumi.CustomResourceOptions,
): Flags | undefined {
  if (Object.keys(plan.flags).length === 0) return undefined
  const application = new appconfig.Application('flags', { name: `sluice-${rollout}` }, child)
  const profile = new appconfig.ConfigurationProfile(
    'flags',
    {
      applicationId: application.id,
      name: 'flags',
      type: 'AWS.Freeform',
      locationUri: 'hosted',
    },
    child,
  )
  const environment = new appconfig.Environment(
    'flags',
    { applicationId: application.id, name: 'live' },
    child,
  )
  const strategy = new appconfig.DeploymentStrategy(
    'flags',
    {
      name: `sluice-${rollout}-at-once`,
      deploymentDurationInMinutes: 0,
      growthFactor: 100,
      finalBakeTimeInMinutes: 0,
      replicateTo: 'NONE',
    },
    child,
  )
  const arns = [application.arn, profile.arn, environment.arn, strategy.arn]
  return {
    layout: pulumi.output({
      application: application.id,
      profile: profile.configurationProfileId,
      environment: environment.environmentId,
      strategy: strategy.id,
    }),
    statements: pulumi
      .all(arns)
      .apply(([app, own, live, atOnce]) =>
        flagStatements({ app, profile: own, environment: live, strategy: atOnce } as Arns),
      ),
  }
}

interface Arns {
  app: string
  profile: string
  environment: string
  strategy: string
}

/** What the hook may do with flags: versions of the one profile, deployments of it to the one environment. */
export function flagStatements({ app, profile, environment, strategy }: Arns): PolicyStatement[] {
  const allow = (Sid: string, Action: string[], Resource: string[]): PolicyStatement => ({
    ...{ Sid, Effect: 'Allow', Action, Resource },
  })
  return [
    allow(
      'WriteFlags',
      ['appconfig:CreateHostedConfigurationVersion'],
      // IAM knows the call by its application and its profile.
      [app, profile],
    ),
    allow(
      'ReadFlags',
      ['appconfig:GetHostedConfigurationVersion'],
      [app, profile, `${profile}/hostedconfigurationversion/*`],
    ),
    allow(
      'DeployFlags',
      ['appconfig:StartDeployment'],
      [app, profile, environment, strategy, `${environment}/deployment/*`],
    ),
    allow(
      'SeeFlagsDeployed',
      ['appconfig:ListDeployments'],
      [app, environment, `${environment}/deployment/*`],
    ),
  ]
}
