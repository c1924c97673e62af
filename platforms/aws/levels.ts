import type { Level } from '../../rollout/escalation.ts'
import type { Guardrail, Plan } from '../../rollout/plan.ts'

/** A guardrail's name has no dot. Not rounded as for people: two levels may lie close together. */
const nameOf = ({ errors }: Level) => `escalation.${Number((errors * 100).toFixed(9))}%`

const boundOf = ({ errors }: Level) => ({ kind: 'absolute', value: errors, unit: 'ratio' }) as const

/**
 * What CloudWatch judges of a plan: its guardrails, and each level of its escalation, which there is
 * a guardrail of the share of errors, named by its bound: `escalation.5%`.
 */
export function judgedOnAws(plan: Plan): Plan['guardrails'] {
  const levels = plan.escalation.map((level): [string, Guardrail] => [
    nameOf(level),
    {
      metric: 'error-rate',
      above: boundOf(level),
      severity: 'critical',
      notify: level.notify,
      then: level.rollback ? 'rollback' : 'notify',
    },
  ])
  return { ...plan.guardrails, ...Object.fromEntries(levels) }
}

/** The level of escalation that an alarm is of. */
export function levelNamed({ escalation }: Plan, name: string): Level | undefined {
  return escalation.find((level) => nameOf(level) === name)
}
