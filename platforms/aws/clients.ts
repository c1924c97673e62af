import { AppConfigClient } from '@aws-sdk/client-appconfig'
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch'
import { ECSClient } from '@aws-sdk/client-ecs'
import { ElasticLoadBalancingV2Client } from '@aws-sdk/client-elastic-load-balancing-v2'
import { LambdaClient } from '@aws-sdk/client-lambda'
import { RDSClient } from '@aws-sdk/client-rds'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { SNSClient } from '@aws-sdk/client-sns'
import { SSMClient } from '@aws-sdk/client-ssm'
import type { AwsReference } from '../reference.ts'

/** The services' clients; region, endpoint and credentials by the SDK's own chain. */
export interface Clients {
  balancer: ElasticLoadBalancingV2Client
  parameters: SSMClient
  metrics: CloudWatchClient
  databases: RDSClient
  topics: SNSClient
  functions: LambdaClient
  secrets: SecretsManagerClient
  tasks: ECSClient
  flags: AppConfigClient
}

/** Calls that are throttled, or came to nothing, are repeated with pauses that double. */
const ATTEMPTS = 7

/** Each client is made when it is used first. */
export function clientsOf({ region }: Pick<AwsReference, 'region'>): Clients {
  const config = {
    ...(region === undefined ? {} : { region }),
    maxAttempts: ATTEMPTS,
    requestHandler: { connectionTimeout: 2_000, requestTimeout: 10_000 },
  }
  const made: Partial<Clients> = {}
  return {
    get balancer() {
      made.balancer ??= new ElasticLoadBalancingV2Client(config)
      return made.balancer
    },
    get parameters() {
      made.parameters ??= new SSMClient(config)
      return made.parameters
    },
    get metrics() {
      made.metrics ??= new CloudWatchClient(config)
      return made.metrics
    },
    get databases() {
      made.databases ??= new RDSClient(config)
      return made.databases
    },
    get topics() {
      made.topics ??= new SNSClient(config)
      return made.topics
    },
    get functions() {
      made.functions ??= new LambdaClient(config)
      return made.functions
    },
    get secrets() {
      made.secrets ??= new SecretsManagerClient(config)
      return made.secrets
    },
    get tasks() {
      made.tasks ??= new ECSClient(config)
      return made.tasks
    },
    get flags() {
      made.flags ??= new AppConfigClient(config)
      return made.flags
    },
  }
}
