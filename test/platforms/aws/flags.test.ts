import {
  type AppConfigClient,
  CreateApplicationCommand,
  CreateConfigurationProfileCommand,
  CreateDeploymentStrategyCommand,
  CreateEnvironmentCommand,
} from '@aws-sdk/client-appconfig'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { clientsOf } from '../../../platforms/aws/clients.ts'
import { deployedFlags, deployFlags } from '../../../platforms/aws/flags.ts'
import type { AwsFlags } from '../../../platforms/aws/layout.ts'
import { type FlagState, flagStateOf, flagText } from '../../../rollout/flag-file.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { split } from '../../../rollout/weights.ts'
import { environmentOf } from '../../beds/aws/environment.ts'
import { type Moto, startMoto } from '../../beds/aws/moto.ts'
import { changed } from '../../rollout/plans.ts'

const { plan } = parsePlan(changed({ flags: { fresh: { follows: ['api'] } } }))
const at = (green: number): FlagState =>
  flagStateOf(plan, { api: split(green), web: split(0) }, undefined, undefined)

let moto: Moto
let appconfig: AppConfigClient
let place: AwsFlags
const before = { ...process.env }

beforeAll(async () => {
  moto = await startMoto()
  Object.assign(process.env, environmentOf(moto.endpoint, 'hook'))
  appconfig = clientsOf({}).flags
  const app = await appconfig.send(new CreateApplicationCommand({ Name: 'shop' }))
  const ApplicationId = app.Id
  const profile = await appconfig.send(
    new CreateConfigurationProfileCommand({ ApplicationId, Name: 'flags', LocationUri: 'hosted' }),
  )
  const live = await appconfig.send(new CreateEnvironmentCommand({ ApplicationId, Name: 'live' }))
  const atOnce = await appconfig.send(
    new CreateDeploymentStrategyCommand({
      ...{ Name: 'at-once', DeploymentDurationInMinutes: 0, GrowthFactor: 100 },
    }),
  )
  place = {
    application: app.Id as string,
    profile: profile.Id as string,
    environment: live.Id as string,
    strategy: atOnce.Id as string,
  }
})
afterAll(async () => {
  await moto?.stop()
  for (const key of Object.keys(environmentOf('', ''))) {
    if (before[key] === undefined) delete process.env[key]
    else process.env[key] = before[key]
  }
})
beforeEach(async () => {
  await deployFlags(appconfig, place, async () => at(0))
  await moto.forgetCalls()
})

const deployed = () => deployedFlags(appconfig, place)
const deployments = async () =>
  (await moto.calls()).filter(
    ({ action }) => action.startsWith('POST') && action.endsWith('/deployments'),
  )

describe('two who deploy the flags at once', () => {
  it('leave the newer ones, also where the one with the older ones comes last', async () => {
    let live = 50
    let overtaken = false
    const state = await deployFlags(appconfig, place, async () => {
      const read = at(live)
      if (overtaken) return read
      overtaken = true
      // What was read is old by the time it is deployed.
      live = 0
      await deployFlags(appconfig, place, async () => at(live))
      return read
    })
    expect(await deployed()).toBe(flagText(at(0)))
    expect(state).toEqual(at(0))
  })

  it('go on after the deployment of somebody else that is not over', async () => {
    const path = `/applications/${place.application}/environments/${place.environment}/deployments`
    const fault = { action: `POST ${path}`, code: 'ConflictException', status: 409, times: 1 }
    await moto.setFaults([{ service: 'appconfig', ...fault }])
    await deployFlags(appconfig, place, async () => at(25))
    expect(await deployed()).toBe(flagText(at(25)))
    expect((await deployments()).map(({ status }) => status)).toEqual([409, 200])
    // What waits is there already.
    const calls = await moto.calls()
    expect(calls.filter(({ action }) => /hostedconfigurationversions$/.test(action))).toHaveLength(
      1,
    )
  })
})

describe('flags that never stay', () => {
  it('are given up, and said to be', async () => {
    let green = 0
    const deploying = deployFlags(appconfig, place, async () => at(++green))
    await expect(deploying).rejects.toThrow(/do not stay as they were deployed/)
  })
})

describe('flags that are deployed already', () => {
  it('are not deployed again', async () => {
    await deployFlags(appconfig, place, async () => at(0))
    expect(await deployments()).toEqual([])
  })
})
