import type { Plan } from '../../rollout/plan.ts'
import { type AlertRule, alertRules, type RuleFile } from '../local/alert-rules.ts'

/**
 * The alert rules of a rollout that shares its Prometheus with others: what the hook counts, and
 * what it is told, carry the rollout's name.
 * @param rollout its namespace and name: two namespaces may use one name
 */
export function sharedAlertRules(plan: Plan, clock: number, rollout: string): RuleFile {
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
    groups: alertRules(plan, clock).groups.map((group) => ({
      ...group,
      name: `${rollout} ${group.name}`,
      rules: group.rules.map(named),
    })),
  }
}

/** Every series of a hook, told apart from those of another; the plan's own queries stay as they are. */
function ofRollout(text: string, rollout: string): string {
  return text.replace(/\b(sluice_[a-z_]+)\{/g, (_, name) => `${name}{rollout="${rollout}",`)
}

/** The rollout's name in metrics and alerts. */
export const rolloutLabel = ({ namespace, name }: { namespace: string; name: string }) =>
  `${namespace}/${name}`
