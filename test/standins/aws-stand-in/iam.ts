import { existsSync, readFileSync } from 'node:fs'
import {
  DescribeTagsCommand,
  type ElasticLoadBalancingV2Client,
} from '@aws-sdk/client-elastic-load-balancing-v2'
import type { PolicyDocument } from '../../../components/aws/policies.ts'
import { isDenied } from '../../components/iam-simulation.ts'

/**
 * A stand-in for IAM, which moto does not enforce: before a call that changes a rule it is asked whether
 * the policy denies it that is attached to the role of whoever deploys, by the simulation that the
 * document's own tests use and by the rule's live tags. It is the file that SLUICE_STAND_IN_DENIES names;
 * where there is none nothing is attached. It says nothing of how IAM itself evaluates or when it is told.
 */
export async function notDenied(
  elb: ElasticLoadBalancingV2Client,
  action: 'ModifyRule' | 'DeleteRule',
  rule: string,
): Promise<void> {
  const file = process.env['SLUICE_STAND_IN_DENIES']
  if (file === undefined || !existsSync(file)) return
  const document = JSON.parse(readFileSync(file, 'utf8')) as PolicyDocument
  const { TagDescriptions = [] } = await elb.send(new DescribeTagsCommand({ ResourceArns: [rule] }))
  const context = Object.fromEntries(
    (TagDescriptions[0]?.Tags ?? []).map(({ Key, Value }) => [
      `aws:ResourceTag/${Key}`,
      Value ?? '',
    ]),
  )
  const asked = { action: `elasticloadbalancing:${action}`, resource: rule, context }
  if (!isDenied(document, asked)) return
  throw new Error(
    `AccessDenied: the deployer is not authorized to perform: ${asked.action} on resource: ${rule} with an explicit deny (by the stand-in for IAM)`,
  )
}
