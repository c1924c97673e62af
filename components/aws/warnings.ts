import { watchedBy } from '../../platforms/aws/alarms.ts'
import type { Plan } from '../../rollout/plan.ts'

/** What the platform aws carries otherwise than the plan's words say, one line each with its path. Pure. */
export function warnedOnAws(plan: Plan): string[] {
  return Object.entries(plan.guardrails).flatMap(([name, { check }]) => {
    if (check === undefined) return []
    const existing = watchedBy(plan, name).filter(
      (service) => plan.services[service]?.green.targetGroupArn !== undefined,
    )
    const see =
      existing.length === 0
        ? ''
        : `; see that the target group of ${existing.join(', ')} asks ${check}`
    return [
      `plan.guardrails.${name}.check: on aws the health check of green's target group decides, by two minutes in which no target was healthy, and not every and consecutiveFailures${see}`,
    ]
  })
}
