import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { latestValue } from '../../platforms/aws/latest.ts'
import { TEST_HEADER } from '../../platforms/aws/layout.ts'
import { measureService } from '../../platforms/aws/measure.ts'
import { TICK } from '../../platforms/aws/reference.ts'
import { readVariables } from '../../platforms/aws/secret.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import type { Plan } from '../../rollout/plan.ts'
import { colourOf } from '../../rollout/services.ts'
import type { QueryValue } from '../../rollout/steady.ts'
import type { GateParts } from '../gates/judge.ts'
import type { Surroundings } from '../surroundings.ts'
import type { LambdaParts } from './hook.ts'

/** The only folder of a function that can be written. */
const SCRATCH = '/tmp/sluice'

/** Where gates find what they ask, on AWS: the balancer's test rules, CloudWatch, the secret. */
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
    around: surroundings(clients),
    ask: (query) => askCloudWatch(parts, query),
  }
}

/** What gates reach from a function. Commands run as tasks, each minute's run looking at them. */
function surroundings(clients: LambdaParts['clients']): Surroundings {
  let variables: Promise<Record<string, string>> | undefined
  return {
    urlsOf: async (plan, service, colour, path) => {
      const found = plan.services[service]
      const { address } = plan.aws
      if (!found || !colourOf(found, colour) || address === undefined) return []
      return [new URL(path, address).href]
    },
    headersOf: (colour) => ({ [TEST_HEADER]: colour }),
    run: async () => {
      const reason = 'no command runs in a function'
      return { ok: false, code: null, output: '', reason, tookMs: 0 }
    },
    variable: async (plan, name) => {
      const { secret } = plan.aws
      if (secret === undefined) return undefined
      variables ??= readVariables(clients, secret)
      return (await variables)[name]
    },
    // The function's own folder, where its bundle brought them.
    readFile: (file) => readFile(resolve(file), 'utf8'),
    environment: async () => ({ missing: 'no environments on aws yet' }),
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
