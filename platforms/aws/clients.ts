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

const KINDS = {
  balancer: ElasticLoadBalancingV2Client,
  parameters: SSMClient,
  metrics: CloudWatchClient,
  databases: RDSClient,
  topics: SNSClient,
  functions: LambdaClient,
  secrets: SecretsManagerClient,
  tasks: ECSClient,
  flags: AppConfigClient,
}

/** The services' clients; region, endpoint and credentials by the SDK's own chain. */
export type Clients = { [K in keyof typeof KINDS]: InstanceType<(typeof KINDS)[K]> }

/** Calls that are throttled, or came to nothing, are repeated with pauses that double. */
const ATTEMPTS = 7
/**
 * An answer takes a part of a second; one that does not come is asked for again. What a rollback
 * waits for is asked for again sooner. Without `throwOnRequestTimeout` the SDK only warns, and waits on.
 */
const ANSWER_MS = 10_000
const ROLLBACK_ANSWER_MS = 5_000
const FOR_ROLLBACK: readonly string[] = ['balancer', 'parameters'] satisfies (keyof typeof KINDS)[]

/** Each client is made when it is used first. */
export function clientsOf({ region }: Pick<AwsReference, 'region'>): Clients {
  const clients = {}
  for (const [name, Kind] of Object.entries(KINDS)) {
    const config = {
      ...(region === undefined ? {} : { region }),
      maxAttempts: ATTEMPTS,
      requestHandler: {
        connectionTimeout: 2_000,
        requestTimeout: FOR_ROLLBACK.includes(name) ? ROLLBACK_ANSWER_MS : ANSWER_MS,
        throwOnRequestTimeout: true,
      },
    }
    let made: InstanceType<typeof Kind> | undefined
    const get = () => (made ??= new Kind(config))
    Object.defineProperty(clients, name, { get, enumerable: true })
  }
  return clients as Clients
}
