import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import type { PlanInput } from '../../rollout/plan.ts'
import { checkout } from '../../tools/checkout.ts'
import { PORTS } from '../beds/kubernetes/settings.ts'

/** The Secret that carries the variables of the plan. */
export const SECRET = 'plan-env'

/**
 * A plan of stacks/ as it stands, but for what a cluster has to know: the images of its services and of
 * its commands, and where the bed's gateway and Prometheus are. Faults are allowed and few answers asked
 * for. The services take their time, so that twice a baseline is more than a busy machine adds, and more
 * than one of the gateway's buckets.
 */
export function clusterPlanOf(name: string): PlanInput {
  const file = join(checkout, 'stacks', `${name}.plan.yaml`)
  const plan = parse(readFileSync(file, 'utf8')) as PlanInput
  for (const { blue, green } of Object.values(plan.services)) {
    for (const colour of [blue, green]) {
      if (colour === 'none') continue
      colour.image = 'node:24-slim'
      colour.environment = { ...colour.environment, EXAMPLE_FAULTS: '1', EXAMPLE_WORK: '120' }
    }
  }
  return {
    ...plan,
    minimumRequests: 10,
    runner: { image: 'node-and-postgresql-client:24' },
    kubernetes: {
      address: `http://127.0.0.1:${PORTS.gateway}`,
      metrics: `http://127.0.0.1:${PORTS.traefik}`,
      prometheus: `http://127.0.0.1:${PORTS.prometheus}`,
      secret: SECRET,
      claim: name,
    },
  }
}
