import type { TaskPlace } from './cluster.ts'

/** Where the tests run on a real account. */
export interface RealAccount extends TaskPlace {
  listener: string
  /** Where the listener is reached, without a slash at its end. */
  address: string
}

/** What a person gives for it, by the name of the environment variable; lists with commas. */
export const REAL_ACCOUNT: Record<string, string> = {
  AWS_REGION: 'the region, such as eu-central-1',
  SLUICE_AWS_LISTENER: 'the ARN of a listener of an Application Load Balancer, for tests alone',
  SLUICE_AWS_ADDRESS: 'where that listener is reached, such as http://tests-1.elb.amazonaws.com',
  SLUICE_AWS_CLUSTER: 'the ARN of an ECS cluster with Fargate',
  SLUICE_AWS_VPC: 'the id of the VPC of that load balancer',
  SLUICE_AWS_SUBNETS: 'ids of subnets of it from which images can be pulled',
  SLUICE_AWS_SECURITY_GROUPS:
    'ids of security groups that let the load balancer reach 8080 and 8081',
  SLUICE_AWS_SECRET:
    'the ARN of an entry of Secrets Manager: {"ORDERS_URL":"postgres://orders","GREEN":"green"}',
}

/** True where the tests shall run on a real account: SLUICE_AWS=real, and the SDK's own credentials. */
export function isReal(environment: NodeJS.ProcessEnv = process.env): boolean {
  return environment['SLUICE_AWS'] === 'real'
}

/**
 * Reads what a person gives.
 * @throws Error with a line for each variable that is missing
 */
export function realAccount(environment: NodeJS.ProcessEnv = process.env): RealAccount {
  const missing = Object.entries(REAL_ACCOUNT).filter(([name]) => !environment[name]?.trim())
  if (missing.length > 0) {
    throw new Error(
      [
        'SLUICE_AWS=real runs on your own account, and makes things there that cost money. It needs:',
        ...missing.map(([name, what]) => `  ${name}: ${what}`),
      ].join('\n'),
    )
  }
  const value = (name: string) => environment[`SLUICE_AWS_${name}`]?.trim() ?? ''
  const list = (name: string) =>
    value(name)
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '')
  return {
    listener: value('LISTENER'),
    address: value('ADDRESS').replace(/\/$/, ''),
    cluster: value('CLUSTER'),
    vpc: value('VPC'),
    subnets: list('SUBNETS'),
    securityGroups: list('SECURITY_GROUPS'),
    secret: value('SECRET'),
  }
}
