import type { Plan } from '../../rollout/plan.ts'
import type { AlarmSpec, Measured } from './alarm-spec.ts'
import { answerAlarm } from './answer-alarm.ts'
import { judgedOnAws } from './levels.ts'
import { availabilityAlarm, healthAlarm, throughputAlarm } from './presence-alarms.ts'
import { TICK } from './reference.ts'
import { gateAlarm, queryAlarm } from './told-alarms.ts'

export { type AlarmSpec, alarmName, type Measured, OWN_NAMESPACE } from './alarm-spec.ts'
export { baselineName } from './answer-alarm.ts'
export { HEARTBEAT, heartbeatAlarm } from './presence-alarms.ts'

/** What an alarm's name says; undefined for one that is not of this rollout. */
export function partsOfName(
  rollout: string,
  name: string,
): { service: string; guardrail: string } | undefined {
  const [root, owner, service, guardrail, ...more] = name.split('/')
  if (root !== 'sluice' || owner !== rollout || !service || !guardrail || more.length > 0) {
    return undefined
  }
  return { service, guardrail }
}

/** The services that a guardrail watches, each with an alarm of its own. */
export function watchedBy(plan: Plan, name: string): string[] {
  const { services, gate } = plan.guardrails[name] ?? {}
  const asked = gate === undefined ? undefined : plan.gates[gate]?.services
  return services ?? asked ?? Object.keys(plan.services)
}

/**
 * The alarms of a plan: for each service and each of its guardrails and levels of escalation one,
 * and one more for a `warn`; a query has one, under the name of the first of its services. What the platform does not judge is
 * refused before: see refusals.ts.
 *
 * @param measured by service
 * @param clock how many times faster than real `for` passes, down to one period
 */
export function alarmsOf<T>(
  plan: Plan,
  rollout: string,
  measured: Record<string, Measured<T>>,
  { clock = 1, tick = TICK }: { clock?: number; tick?: number } = {},
): AlarmSpec<T>[] {
  return Object.entries(judgedOnAws(plan)).flatMap(([name, guardrail]) => {
    const services = watchedBy(plan, name)
    const { check, gate, metric, query, above, below, warn } = guardrail
    // Of one number for all of them one alarm is enough.
    const alarmed = query === undefined ? services : services.slice(0, 1)
    return alarmed.flatMap((service) => {
      const of = measured[service]
      if (!of) return []
      const own = { rollout, service, name, of, tick, clock, guardrail }
      if (check !== undefined) return [healthAlarm(own)]
      if (gate !== undefined) return [gateAlarm(own, gate)]
      const thresholds = [
        [name, above ?? below],
        [`${name}-warn`, warn],
      ] as const
      return thresholds.flatMap(([alarm, threshold]) => {
        if (!threshold) return []
        if (metric === 'availability') return [availabilityAlarm(own, alarm, threshold)]
        if (metric === 'throughput') return [throughputAlarm(own, alarm, threshold)]
        if (metric !== undefined) return [answerAlarm({ ...own, metric }, alarm, threshold)]
        const stands = plan.aws.metrics[name]
        if (!stands || threshold.kind !== 'absolute') return []
        return [queryAlarm({ ...own, services, metric: stands }, alarm, threshold)]
      })
    })
  })
}
