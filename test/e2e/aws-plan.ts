import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { PlanInput } from '../../rollout/plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { AGENT_NAMESPACE } from '../beds/aws/agent-harness.ts'
import type { TaskPlace } from '../beds/aws/cluster.ts'
import type { Account } from '../beds/aws/deploy.ts'

/** Where everything of a stack listens on loopback. */
export interface Ports {
  blue: number
  green: number
  sync: number
  balancer: number
}

type PlanGate = NonNullable<PlanInput['gates']>[string]

/** The second database as RDS knows it. */
export const RDS_SECOND = 'huntred-v2'
/** Has Node and the project. */
const IMAGE = 'registry.example/huntred-tools'

/** The plan of stacks/ as it is, but for where it stands. */
export function planFor(account: Account, ports: Ports, place: TaskPlace): PlanInput {
  const { listener, groups, database } = account
  const { secret, cluster, subnets, securityGroups } = place
  const text = readFileSync(join(checkout, 'stacks', 'huntred.plan.yaml'), 'utf8')
  const file = text.replaceAll('8393', String(ports.sync))
  const plan = parse(file) as PlanInput
  const green = { Color: 'green' }
  const stands = (metric: string, dimensions: Record<string, string> = {}) => ({
    ...{ namespace: AGENT_NAMESPACE, metric, dimensions },
  })
  return {
    ...plan,
    services: {
      huntred: {
        blue: { targetGroupArn: groups.blue },
        green: { targetGroupArn: groups.green },
        health: '/healthz',
      },
    },
    // Beside what it says: somebody who is told.
    notify: { pager: { webhook: 'env:PAGER_URL' } },
    runner: { image: IMAGE },
    operations: {
      ...plan.operations,
      sync: {
        ...(plan.operations?.['sync'] as NonNullable<PlanInput['operations']>[string]),
        environment: { HUNTRED_URL: 'env:HUNTRED_URL', HUNTRED_V2_URL: 'env:HUNTRED_V2_URL' },
      },
    },
    // How fast it starts beside everything else is the machine's; the limit is drilled by itself.
    gates: {
      ...plan.gates,
      startup: { ...(plan.gates?.['startup'] as PlanGate), atMost: 60 },
    },
    minimumRequests: 10,
    aws: {
      ...{ listener, secret, address: `http://127.0.0.1:${ports.balancer}` },
      ...{ cluster, subnets, securityGroups },
      databases: { huntred: database, 'huntred-v2': RDS_SECOND },
      metrics: {
        startup: stands('StartSeconds', green),
        memory: stands('ResidentBytes', green),
        'sync-lag': stands('SyncLagSeconds'),
      },
    },
  }
}
