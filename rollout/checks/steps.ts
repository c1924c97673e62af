import type { Plan } from '../plan.ts'
import type { Keys, Lenient } from '../plan-parts.ts'
import { type Check, type Parts, positive } from './check.ts'

/** Weights that rise, and time to watch each. */

type Steps = Lenient<Plan['steps']>

/** A step's weight and where it stands; undefined where its shape is wrong. */
export function weightsOf(
  steps: Steps | undefined,
  keys: Keys,
): { weight: number | undefined; keys: Keys }[] {
  return (steps ?? []).map((step, index) =>
    typeof step === 'number' || step === undefined
      ? { weight: step, keys: [...keys, index] }
      : { weight: step.weight, keys: [...keys, index, 'weight'] },
  )
}

/** True for what may be green's share at a step. */
export function isWeight(weight: number | undefined): weight is number {
  return weight !== undefined && Number.isInteger(weight) && weight >= 1 && weight <= 100
}

export function stepChecks({ steps, phases }: Parts): Check[] {
  const checks = risingChecks(steps, ['steps'])
  const last = steps?.at(-1)
  const end = typeof last === 'number' ? last : last?.weight
  const highest = Math.max(0, ...weightsOf(steps, []).map(({ weight }) => weight ?? 0))
  // With phases of their own the services end where the last phase of each ends.
  if (steps && !phases && end !== undefined && end > 0 && end < 100 && highest < 100) {
    checks.push({
      keys: ['steps', steps.length - 1],
      message: `the last step is ${end}; end the steps with 100`,
    })
  }
  return checks
}

/** Whole percents, each above the one before. */
export function risingChecks(steps: Steps | undefined, at: Keys): Check[] {
  const checks: Check[] = []
  let before = 0
  for (const { weight, keys } of weightsOf(steps, at)) {
    if (weight === undefined) continue
    const say = (message: string) => checks.push({ keys, message })
    if (weight === 0) say('0 is no step; give 1 to 100, the rollout begins at 0 by itself')
    else if (weight < 1) say(`${weight} is below 1; give a whole percent from 1 to 100`)
    else if (weight > 100) say(`${weight} is above 100; give 1 to 100`)
    else if (!Number.isInteger(weight)) say(`${weight} is not whole; give a whole percent`)
    else {
      if (weight <= before) say(`${weight} does not rise above ${before}; give steps that rise`)
      before = Math.max(before, weight)
    }
  }
  return checks
}

export function bakeChecks({ bake, steps, phases }: Parts): Check[] {
  const of = (value: number | undefined, keys: Keys) =>
    positive(value, keys, 'is 0, so that nothing would be watched; give a time such as 1h')
  const ofSteps = (all: Steps | undefined, keys: Keys) =>
    (all ?? []).flatMap((step, index) =>
      typeof step === 'object' ? of(step.bake, [...keys, index, 'bake']) : [],
    )
  return [
    ...of(bake, ['bake']),
    ...ofSteps(steps, ['steps']),
    ...(phases ?? []).flatMap((phase, index) => [
      ...of(phase?.bake, ['phases', index, 'bake']),
      ...ofSteps(phase?.steps, ['phases', index, 'steps']),
    ]),
  ]
}
