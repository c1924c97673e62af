import { setTimeout as pause } from 'node:timers/promises'
import {
  type AppConfigClient,
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  ListDeploymentsCommand,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig'
import { type FlagState, flagText } from '../../rollout/flag-file.ts'
import { Unavailable } from '../platform.ts'
import { call, failed, isNamed } from './failures.ts'
import type { AwsFlags } from './layout.ts'

/** More rounds than this are no race any more. */
const ROUNDS = 8
/** Until a deployment to everybody at once is over. */
const OVER_MS = 500

/**
 * Deploys the flags as they are, and looks again until there is nothing more to deploy. AppConfig knows
 * no condition: of two at once the one that has read the older state may come last, and sees it then.
 * @param stateNow what the flags are of, read at this moment; undefined while nothing has them
 * @returns what they are of that is deployed
 * @throws Unavailable where AppConfig does not take them, or where they do not settle
 */
export async function deployFlags(
  appconfig: AppConfigClient,
  place: AwsFlags,
  stateNow: () => Promise<FlagState | undefined>,
): Promise<FlagState | undefined> {
  let hosted: { text: string; version: string } | undefined
  let took = true
  for (let round = 0; round < ROUNDS; round++) {
    const state = await stateNow()
    const text = state && flagText(state)
    if (text === undefined || (await deployedFlags(appconfig, place)) === text) return state
    if (hosted?.text !== text) hosted = { text, version: await host(appconfig, place, text) }
    took = await deploy(appconfig, place, hosted.version)
    if (!took) await pause(OVER_MS)
  }
  const why = took
    ? 'the flags do not stay as they were deployed'
    : `the flags are not deployed, as another deployment of ${place.environment} is not over`
  throw new Unavailable(`${why}; next: sluice doctor`)
}

/** @returns the number of a new hosted version */
async function host(appconfig: AppConfigClient, place: AwsFlags, text: string): Promise<string> {
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
  return String(VersionNumber)
}

/**
 * To everybody at once.
 * @returns false where the environment, which takes one at a time, is busy with somebody else's
 */
async function deploy(
  appconfig: AppConfigClient,
  place: AwsFlags,
  version: string,
): Promise<boolean> {
  try {
    await appconfig.send(
      new StartDeploymentCommand({
        ApplicationId: place.application,
        ConfigurationProfileId: place.profile,
        EnvironmentId: place.environment,
        DeploymentStrategyId: place.strategy,
        ConfigurationVersion: version,
      }),
    )
    return true
  } catch (error) {
    if (isNamed(error, 'Conflict')) return false
    throw failed(error, `appconfig:StartDeployment ${place.environment}`)
  }
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
