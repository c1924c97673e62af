import { actionOf, type Then } from '../rollout/action.ts'
import type { Alarm } from '../rollout/journal.ts'
import type { Guardrail, Plan } from '../rollout/plan.ts'
import type { PostedAlert } from './bodies.ts'
import { guardrailOfDeath } from './server-events.ts'

/** An alert of Prometheus as the plan understands it. */
export interface MappedAlert {
  firing: boolean
  alarm: Alarm
}

/** The alert that Prometheus has for a green without a server, beside those of guardrails. */
export const SERVER_DOWN = 'server-down'

const STRENGTH: Record<Then, number> = {
  notify: 0,
  run: 0,
  flag: 0,
  hold: 1,
  investigate: 1,
  rollback: 2,
}

/**
 * Maps an alert to what the plan says of it. The plan decides what it does; a label may only ask
 * for less, as the alert of a `warn` does.
 * @returns undefined for a guardrail or a service that the plan does not have
 */
export function mapAlert(plan: Plan, alert: PostedAlert, now: Date): MappedAlert | undefined {
  const { guardrail, service, then: asked } = alert.labels
  if (guardrail === undefined || service === undefined) return undefined
  if (!Object.hasOwn(plan.services, service)) return undefined
  const own = thenOf(plan, guardrail, service)
  if (!own) return undefined
  const weaker =
    asked !== undefined && isThen(asked) && STRENGTH[asked] < STRENGTH[own] ? asked : own
  return {
    firing: alert.endsAt === undefined || Date.parse(alert.endsAt) > now.getTime(),
    alarm: {
      guardrail,
      service,
      value: alert.annotations['value'] ?? 'unknown',
      threshold: alert.annotations['threshold'] ?? 'unknown',
      since: new Date(alert.startsAt ?? now).toISOString(),
      then: weaker,
    },
  }
}

/** True for an alarm that Prometheus judges, and lists while it fires. */
export function isListed(plan: Plan, name: string): boolean {
  const guardrail = guardrailNamed(plan, name) ?? guardrailWarned(plan, name)
  if (guardrail) return guardrail.metric !== undefined || guardrail.query !== undefined
  return name === SERVER_DOWN
}

/** True for an alarm that a plan may have at all. */
export function isKnown(plan: Plan, name: string): boolean {
  if (guardrailNamed(plan, name) ?? guardrailWarned(plan, name)) return true
  const external = name.startsWith('external.') ? name.slice('external.'.length) : undefined
  return name === SERVER_DOWN || (external !== undefined && Object.hasOwn(plan.external, external))
}

/** The guardrail of which this is the alarm of the `warn`. */
export function guardrailWarned(plan: Plan, name: string): Guardrail | undefined {
  if (!name.endsWith('-warn')) return undefined
  const warned = guardrailNamed(plan, name.slice(0, -'-warn'.length))
  return warned?.warn === undefined ? undefined : warned
}

export function guardrailNamed(plan: Plan, name: string): Guardrail | undefined {
  return Object.hasOwn(plan.guardrails, name) ? plan.guardrails[name] : undefined
}

function thenOf(plan: Plan, name: string, service: string): Then | undefined {
  const judges = ({ services }: Guardrail) => services?.includes(service) ?? true
  const own = guardrailNamed(plan, name)
  if (own) return judges(own) ? actionOf(own).do : undefined
  if (name === SERVER_DOWN) {
    return guardrailOfDeath(plan, service) === undefined ? 'hold' : 'rollback'
  }
  const warned = guardrailWarned(plan, name)
  return warned && judges(warned) ? 'notify' : undefined
}

function isThen(text: string): text is Then {
  return Object.hasOwn(STRENGTH, text)
}
