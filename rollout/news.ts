import type { Guardrail, Plan, Severity } from './plan.ts'
import { SEVERITIES } from './schema/guardrail.ts'

/** An event of the history, as far as it matters to who is told of it. */
export interface News {
  kind: string
  severity: 'info' | 'warning' | 'critical'
  details?: Record<string, unknown>
}

/** What is told although it needs nobody: each position that is reached, and what is over. */
const GOOD_NEWS = ['verified', 'deployed', 'resolved']
const LEVELS: Record<News['severity'], Severity> = {
  info: 'low',
  warning: 'medium',
  critical: 'critical',
}

/** How severe an event is: by its guardrail while that only alarms, else by what happened. */
export function severityOf(plan: Plan, event: News): Severity {
  const found = event.kind === 'alarm' ? guardrailOf(plan, event) : undefined
  if (!found) return LEVELS[event.severity]
  const { severity } = found.guardrail
  return found.warns && isAtLeast(severity, 'medium') ? 'medium' : severity
}

/**
 * The channels that an event goes to. Where the event or its guardrail names channels, exactly those,
 * whatever they are told of otherwise; but a rollback is news to all.
 * @returns names of the plan's channels; none where it is no news to people
 */
export function audienceOf(plan: Plan, event: News): string[] {
  const known = (names: readonly string[]) =>
    Object.keys(plan.notify).filter((name) => names.includes(name))
  const named = event.details?.['notify']
  if (Array.isArray(named)) return known(named)
  if (event.severity === 'info' && !GOOD_NEWS.includes(event.kind)) return []
  const level = severityOf(plan, event)
  const all = Object.entries(plan.notify)
    .filter(([, { only, from }]) => only === undefined && isAtLeast(level, from))
    .map(([name]) => name)
  const asked = guardrailOf(plan, event)?.guardrail.notify
  if (!asked) return all
  return event.kind === 'tripped' ? known([...all, ...asked]) : known(asked)
}

function guardrailOf(
  plan: Plan,
  { details }: News,
): { guardrail: Guardrail; warns: boolean } | undefined {
  const trip = details?.['record'] as { cause?: unknown } | undefined
  const name = details?.['guardrail'] ?? trip?.cause
  if (typeof name !== 'string') return undefined
  const of = (own: string) =>
    Object.hasOwn(plan.guardrails, own) ? plan.guardrails[own] : undefined
  const own = of(name)
  if (own) return { guardrail: own, warns: false }
  const warned = name.endsWith('-warn') ? of(name.slice(0, -'-warn'.length)) : undefined
  return warned && { guardrail: warned, warns: true }
}

function isAtLeast(severity: Severity, least: Severity): boolean {
  return SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(least)
}
