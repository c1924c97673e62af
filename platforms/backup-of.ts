import type { Plan } from '../rollout/plan.ts'
import { Refused } from './platform.ts'

/**
 * A backup of the plan by its name.
 * @throws Refused naming those that there are
 */
export function backupOf(plan: Plan, name: string): Plan['backups'][string] {
  const backup = plan.backups[name]
  if (backup) return backup
  const known = Object.keys(plan.backups).join(', ') || 'none'
  throw new Refused(`backups.${name} is not in the plan ${plan.name}; it has ${known}`)
}
