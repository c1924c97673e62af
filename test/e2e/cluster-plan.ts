import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { PlanInput } from '../../rollout/plan.ts'
import { checkout } from '../../tools/checkout.ts'
import type { TestCluster } from '../beds/kubernetes/test-cluster.ts'

/** The Secret that carries the variables of the plan. */
export const SECRET = 'plan-env'

/**
 * A plan of stacks/ as it stands, but for what a cluster has to know: the images of its services and of
 * its commands, and where its gateway and Prometheus are. Faults are allowed and few answers asked
 * for. The services take their time, so that twice a baseline is more than a busy machine adds: of the
 * gateway's buckets they answer in the one up to a second, and slower is what takes longer.
 */
export function clusterPlanOf(
  name: string,
  { examples, part, runner }: Pick<TestCluster, 'examples' | 'part' | 'runner'>,
): PlanInput {
  const file = join(checkout, 'stacks', `${name}.plan.yaml`)
  const plan = parse(readFileSync(file, 'utf8')) as PlanInput
  for (const { blue, green } of Object.values(plan.services)) {
    for (const colour of [blue, green]) {
      if (colour === 'none') continue
      colour.image = examples.image
      const test = { EXAMPLE_FAULTS: '1', EXAMPLE_WORK: '260', EXAMPLE_PATIENCE: '20000' }
      colour.environment = { ...colour.environment, ...test }
    }
  }
  const { startup } = plan.gates ?? {}
  return {
    ...plan,
    // How fast it starts beside everything else is the machine's; the limit is drilled by itself.
    gates: { ...plan.gates, ...(startup ? { startup: { ...startup, atMost: 60 } } : {}) },
    minimumRequests: 10,
    runner: { image: runner },
    kubernetes: { ...part, secret: SECRET, claim: name },
  }
}
