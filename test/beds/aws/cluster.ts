import {
  CreateSecurityGroupCommand,
  CreateSubnetCommand,
  CreateVpcCommand,
  EC2Client,
} from '@aws-sdk/client-ec2'
import {
  type ContainerDefinition,
  CreateClusterCommand,
  ECSClient,
  RegisterTaskDefinitionCommand,
} from '@aws-sdk/client-ecs'
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { containerDefinitions } from '../../../components/aws/container.ts'
import type { AwsRunner } from '../../../platforms/aws/layout.ts'
import { REGION } from './environment.ts'

/** Where tasks run in an account, and the entry that has their variables. */
export interface TaskPlace {
  cluster: string
  vpc: string
  subnets: string[]
  securityGroups: string[]
  secret: string
}

/** A cluster with a network, and a secret with these values. */
export async function createTaskPlace(values: Record<string, string>): Promise<TaskPlace> {
  const ec2 = new EC2Client({})
  const { Vpc } = await ec2.send(new CreateVpcCommand({ CidrBlock: '10.1.0.0/16' }))
  const VpcId = Vpc?.VpcId as string
  const { Subnet } = await ec2.send(new CreateSubnetCommand({ VpcId, CidrBlock: '10.1.0.0/20' }))
  const { GroupId } = await ec2.send(
    new CreateSecurityGroupCommand({ VpcId, GroupName: 'tasks', Description: 'of the bed' }),
  )
  const { cluster } = await new ECSClient({}).send(
    new CreateClusterCommand({ clusterName: 'production' }),
  )
  const { ARN } = await new SecretsManagerClient({}).send(
    new CreateSecretCommand({ Name: 'variables', SecretString: JSON.stringify(values) }),
  )
  return {
    cluster: cluster?.clusterArn as string,
    vpc: VpcId,
    subnets: [Subnet?.SubnetId as string],
    securityGroups: [GroupId as string],
    secret: ARN as string,
  }
}

/** What commands run in, as the components declare it, for the tests that have no engine. */
export async function createRunner(
  place: TaskPlace,
  keys: Record<string, string>,
): Promise<AwsRunner> {
  const log = { group: '/sluice/contract', region: REGION }
  const { taskDefinition } = await new ECSClient({}).send(
    new RegisterTaskDefinitionCommand({
      family: 'sluice-contract-runner',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
      cpu: '256',
      memory: '512',
      containerDefinitions: JSON.parse(
        containerDefinitions({
          name: 'runner',
          image: 'shop-tools',
          variables: { plain: {}, secret: keys },
          secret: place.secret,
          log,
        }),
      ) as ContainerDefinition[],
    }),
  )
  return {
    cluster: place.cluster,
    taskDefinition: taskDefinition?.taskDefinitionArn as string,
    container: 'runner',
    subnets: place.subnets,
    securityGroups: place.securityGroups,
    publicAddress: false,
    log: log.group,
  }
}
