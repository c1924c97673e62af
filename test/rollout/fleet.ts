import { parsePlan } from '../../rollout/parse-plan.ts'
import type { Plan, PlanInput } from '../../rollout/plan.ts'

type ServiceInput = PlanInput['services'][string]

/** Services of running systems, each with what is said of it; every plan has one guardrail. */
export function fleet(
  services: Record<string, Partial<ServiceInput>>,
  more: Partial<PlanInput> = {},
): Plan {
  return parsePlan(fleetInput(services, more)).plan
}

/** As {@link fleet}, as a file would say it. */
export function fleetInput(
  services: Record<string, Partial<ServiceInput>>,
  more: Partial<PlanInput> = {},
): PlanInput {
  const given = Object.entries(services).map(([name, service], index): [string, ServiceInput] => [
    name,
    {
      blue: { url: `http://127.0.0.1:${9_001 + 2 * index}` },
      green: { url: `http://127.0.0.1:${9_002 + 2 * index}` },
      routes: [`/${name}`],
      ...service,
    },
  ])
  return {
    name: 'fleet',
    services: Object.fromEntries(given),
    steps: [50, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    ...more,
  }
}
