import type { Plan } from '../../rollout/plan.ts'
import { type AlertRule, alertRules, type RuleFile } from '../local/alert-rules.ts'

/** The alert that no hook guards: the one that no hook can tell, so Prometheus' own people are. */
export const NOBODY_GUARDS = 'nobody-guards'

/** Longer than a replica needs to take over, or a first one to come up; two slow scrapes. */
const UNGUARDED_FOR = '1m'

/** A rule that is no guardrail's: for people, by whatever Prometheus tells them. */
interface OwnRule extends Pick<AlertRule, 'alert' | 'expr' | 'for'> {
  labels: Record<string, string>
  annotations: Record<string, string>
}

/** Rules by group, as {@link RuleFile}. */
interface SharedRules {
  groups: (Omit<RuleFile['groups'][number], 'rules'> & { rules: (AlertRule | OwnRule)[] })[]
}

/**
 * The alert rules of a rollout that shares its Prometheus with others: what the hook counts, and
 * what it is told, carry the rollout's name; and one that there is no hook.
 * @param rollout its namespace and name: two namespaces may use one name
 */
export function sharedAlertRules(plan: Plan, clock: number, rollout: string): SharedRules {
  const named = ({ expr, annotations, labels, ...rule }: AlertRule) => ({
    ...rule,
    expr: ofRollout(expr, rollout),
    labels: { ...labels, rollout },
    annotations: {
      value: ofRollout(annotations.value, rollout),
      threshold: ofRollout(annotations.threshold, rollout),
    },
  })
  return {
    groups: [
      ...alertRules(plan, clock).groups.map((group) => ({
        ...group,
        name: `${rollout} ${group.name}`,
        rules: group.rules.map(named),
      })),
      { name: `${rollout} hook`, interval: '5s', rules: [nobodyGuards(rollout)] },
    ],
  }
}

/** Only the replica that guards has metrics. */
function nobodyGuards(rollout: string): OwnRule {
  return {
    alert: NOBODY_GUARDS,
    expr: `absent(sluice_weight{rollout="${rollout}"})`,
    for: UNGUARDED_FOR,
    labels: { severity: 'critical', rollout },
    annotations: {
      summary: `nobody guards ${rollout}, or Prometheus cannot read who does`,
      description: `Prometheus has read no replica of the rollout's hook for ${UNGUARDED_FOR}. Where none is there green stays where it is, no weight rises, and nothing rolls back. Next: sluice doctor; sluice rollback takes green back without the hook.`,
    },
  }
}

/** Every series of a hook, told apart from those of another; the plan's own queries stay as they are. */
function ofRollout(text: string, rollout: string): string {
  return text.replace(/\b(sluice_[a-z_]+)\{/g, (_, name) => `${name}{rollout="${rollout}",`)
}

/** The rollout's name in metrics and alerts. */
export const rolloutLabel = ({ namespace, name }: { namespace: string; name: string }) =>
  `${namespace}/${name}`
