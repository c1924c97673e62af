import { latestValue } from '../../platforms/aws/latest.ts'
import { measureService } from '../../platforms/aws/measure.ts'
import { TICK } from '../../platforms/aws/reference.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import type { Plan } from '../../rollout/plan.ts'
import type { QueryValue } from '../../rollout/steady.ts'
import type { GateParts } from '../gates/judge.ts'
import type { LambdaParts } from './hook.ts'
import { lambdaSurroundings } from './surroundings.ts'

/** The only folder of a function that can be written. */
const SCRATCH = '/tmp/sluice'

/** What judges of gates stand on, on AWS: what is around the function, and CloudWatch. */
export function gateParts(parts: LambdaParts): GateParts {
  const { world, clients, layout, reference } = parts
  return {
    world,
    layout: layoutOf(SCRATCH),
    metrics: {
      measure: (service, colour, windowMs) => {
        const to = new Date()
        const from = new Date(to.getTime() - windowMs)
        return measureService(clients, layout, reference, { service, colour, from, to })
      },
      bake: () => world.journal?.green ?? {},
    },
    around: lambdaSurroundings(parts),
    ask: (query) => askCloudWatch(parts, query),
  }
}

async function askCloudWatch(
  { clients, reference, charge }: LambdaParts,
  query: string,
): Promise<QueryValue> {
  const name = nameOfQuery(charge.plan, query)
  const metric = name === undefined ? undefined : charge.plan.aws.metrics[name]
  if (!metric) {
    return { problem: `no metric of CloudWatch stands for it; next: aws.metrics in the plan` }
  }
  return latestValue(clients, metric, reference.tick ?? TICK, new Date())
}

/** The guardrail or gate of a query for which a metric stands. */
function nameOfQuery({ gates, guardrails, aws }: Plan, query: string): string | undefined {
  return [...Object.entries(gates), ...Object.entries(guardrails)].find(
    ([name, one]) => one.query === query && aws.metrics[name] !== undefined,
  )?.[0]
}
