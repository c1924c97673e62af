import {
  AppConfigClient,
  CreateApplicationCommand,
  CreateConfigurationProfileCommand,
  CreateDeploymentStrategyCommand,
  CreateEnvironmentCommand,
  DeleteApplicationCommand,
  DeleteConfigurationProfileCommand,
  DeleteDeploymentStrategyCommand,
  DeleteEnvironmentCommand,
} from '@aws-sdk/client-appconfig'
import type { Props, ResourceType } from '../../../provider/protocol.ts'

const appconfig = new AppConfigClient({})
const ROOT = `arn:aws:appconfig:${process.env['AWS_REGION']}:123456789012`

const text = (inputs: Props, key: string) => String(inputs[key])

export const application: ResourceType = {
  computed: ['arn'],
  replaceOn: ['name'],
  async create(_ctx, inputs) {
    const { Id } = await appconfig.send(
      new CreateApplicationCommand({ Name: text(inputs, 'name') }),
    )
    return { id: String(Id), outputs: { ...inputs, arn: `${ROOT}:application/${Id}` } }
  },
  async delete(_ctx, id) {
    await appconfig.send(new DeleteApplicationCommand({ ApplicationId: id }))
  },
}

/** The real provider's ids are of both: `<profile>:<application>`. */
export const configurationProfile: ResourceType = {
  computed: ['arn', 'configurationProfileId'],
  replaceOn: ['applicationId', 'locationUri', 'type'],
  async create(_ctx, inputs) {
    const ApplicationId = text(inputs, 'applicationId')
    const { Id } = await appconfig.send(
      new CreateConfigurationProfileCommand({
        ApplicationId,
        Name: text(inputs, 'name'),
        LocationUri: text(inputs, 'locationUri'),
        Type: text(inputs, 'type'),
      }),
    )
    const arn = `${ROOT}:application/${ApplicationId}/configurationprofile/${Id}`
    return {
      id: `${Id}:${ApplicationId}`,
      outputs: { ...inputs, arn, configurationProfileId: Id },
    }
  },
  async delete(_ctx, _id, olds) {
    await appconfig.send(
      new DeleteConfigurationProfileCommand({
        ApplicationId: text(olds, 'applicationId'),
        ConfigurationProfileId: text(olds, 'configurationProfileId'),
      }),
    )
  },
}

export const environment: ResourceType = {
  computed: ['arn', 'environmentId'],
  replaceOn: ['applicationId'],
  async create(_ctx, inputs) {
    const ApplicationId = text(inputs, 'applicationId')
    const { Id } = await appconfig.send(
      new CreateEnvironmentCommand({ ApplicationId, Name: text(inputs, 'name') }),
    )
    const arn = `${ROOT}:application/${ApplicationId}/environment/${Id}`
    return { id: `${Id}:${ApplicationId}`, outputs: { ...inputs, arn, environmentId: Id } }
  },
  async delete(_ctx, _id, olds) {
    await appconfig.send(
      new DeleteEnvironmentCommand({
        ApplicationId: text(olds, 'applicationId'),
        EnvironmentId: text(olds, 'environmentId'),
      }),
    )
  },
}

export const deploymentStrategy: ResourceType = {
  computed: ['arn'],
  replaceOn: ['name', 'replicateTo'],
  async create(_ctx, inputs) {
    const { Id } = await appconfig.send(
      new CreateDeploymentStrategyCommand({
        Name: text(inputs, 'name'),
        DeploymentDurationInMinutes: Number(inputs['deploymentDurationInMinutes']),
        GrowthFactor: Number(inputs['growthFactor']),
        FinalBakeTimeInMinutes: Number(inputs['finalBakeTimeInMinutes']),
        ReplicateTo: 'NONE',
      }),
    )
    return { id: String(Id), outputs: { ...inputs, arn: `${ROOT}:deploymentstrategy/${Id}` } }
  },
  async delete(_ctx, id) {
    await appconfig.send(new DeleteDeploymentStrategyCommand({ DeploymentStrategyId: id }))
  },
}
