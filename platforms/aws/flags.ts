import {
  type AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import { call } from './failures.ts'
import type { AwsFlags } from './layout.ts'

/**
 * Deploys the flag file with AppConfig, where it is not the one that is deployed: a new hosted version,
 * and a deployment of it to everybody at once.
 * @param text flagd's form, JSON
 * @returns whether there was something to deploy
 */
export async function deployFlags(
  appconfig: AppConfigClient,
  place: AwsFlags,
  text: string,
): Promise<boolean> {
  if ((await deployedFlags(appconfig, place)) === text) return false
  const { application: ApplicationId, profile: ConfigurationProfileId } = place
  const { VersionNumber } = await call(
    `appconfig:CreateHostedConfigurationVersion ${ConfigurationProfileId}`,
    appconfig.send(
      new CreateHostedConfigurationVersionCommand({
        ApplicationId,
        ConfigurationProfileId,
        ContentType: 'application/json',
        Content: new TextEncoder().encode(text),
      }),
    ),
  )
  await call(
    `appconfig:StartDeployment ${place.environment}`,
    appconfig.send(
      new StartDeploymentCommand({
        ApplicationId,
        ConfigurationProfileId,
        EnvironmentId: place.environment,
        DeploymentStrategyId: place.strategy,
        ConfigurationVersion: String(VersionNumber),
      }),
    ),
  )
  return true
}

/** The flag file as it is deployed, or being deployed; undefined where none is. */
export async function deployedFlags(
  appconfig: AppConfigClient,
  place: AwsFlags,
): Promise<string | undefined> {
  const { application: ApplicationId, profile: ConfigurationProfileId } = place
  const { Items = [] } = await call(
    `appconfig:ListDeployments ${place.environment}`,
    appconfig.send(
      new ListDeploymentsCommand({
        ApplicationId,
        EnvironmentId: place.environment,
        MaxResults: 1,
      }),
    ),
  )
  const version = Items[0]?.ConfigurationVersion
  // One that was taken back, by an alarm of somebody's own, is not what people have.
  if (version === undefined || !['COMPLETE', 'DEPLOYING', 'BAKING'].includes(Items[0]?.State ?? ''))
    return undefined
  const { Content } = await call(
    `appconfig:GetHostedConfigurationVersion ${version}`,
    appconfig.send(
      new GetHostedConfigurationVersionCommand({
        ApplicationId,
        ConfigurationProfileId,
        VersionNumber: Number(version),
      }),
    ),
  )
  return Content && new TextDecoder().decode(Content)
}
