import type { StackValidationPolicy } from '@pulumi/policy'
import { formatDuration, parseDuration } from '../rollout/duration.ts'
import type { Backup } from '../rollout/plan.ts'
import { anyGreen, describeChange, rising } from '../rollout/weights.ts'
import { admissionOf, type StackResource } from './resources.ts'

/** How old a backup may be at most where nothing is configured. */
export const MAXIMUM_AGE = '1h'

const BACKUP = 'sluice:index:Backup'

/**
 * What is missing where weights rise: one backup that this rise waits for, proven by a restore,
 * young enough, and declared in the stack.
 *
 * @param maximumAge ms; the most that the plan's own maximumAge may be
 * @returns one sentence; none where nothing rises
 */
export function missingBackups(resources: readonly StackResource[], maximumAge: number): string[] {
  const admission = admissionOf(resources)
  if (!admission) return []
  const { plan, weights, previous } = admission
  if (rising(previous, weights).length === 0) return []
  const backups = Object.entries(plan.backups ?? {})
  const first = !anyGreen(previous)
  const problems = backups.map(([name, backup]) =>
    problemsOf(name, backup, { first, maximumAge, resources }),
  )
  if (problems.some((found) => found.length === 0)) return []
  const why = problems.flat()
  return [
    `weights rise (${describeChange(previous, weights)}) without a backup that counts: ${
      why.length > 0 ? why.join('; ') : 'the plan has none; add one under backups:'
    }`,
  ]
}

function problemsOf(
  name: string,
  backup: Backup,
  given: { first: boolean; maximumAge: number; resources: readonly StackResource[] },
): string[] {
  const problems: string[] = []
  if (backup.before !== 'every-step' && !given.first) {
    problems.push(`backups.${name}.before is ${backup.before}; give every-step`)
  }
  if (backup.verify !== 'restore') {
    problems.push(`backups.${name}.verify is ${backup.verify}; give restore`)
  }
  if (backup.maximumAge > given.maximumAge) {
    problems.push(
      `backups.${name}.maximumAge is ${formatDuration(backup.maximumAge)}; give at most ${formatDuration(given.maximumAge)}`,
    )
  }
  const declared = given.resources.some(
    ({ type, props }) => type === BACKUP && props['backup'] === name,
  )
  if (!declared) problems.push(`the stack does not declare ${name} (${BACKUP})`)
  return problems
}

export const requireFreshBackup: StackValidationPolicy = {
  name: 'require-fresh-backup',
  description: 'No weight rises without a fresh backup that was proven by a restore.',
  configSchema: {
    properties: {
      maximumAge: {
        type: 'string',
        pattern: '^\\d+(\\.\\d+)?(ms|s|m|h|d|w)$',
        default: MAXIMUM_AGE,
      },
    },
  },
  validateStack({ resources, getConfig }, report) {
    const { maximumAge = MAXIMUM_AGE } = getConfig<{ maximumAge?: string }>()
    for (const problem of missingBackups(resources, parseDuration(maximumAge) ?? 3_600_000)) {
      report(problem)
    }
  },
}
