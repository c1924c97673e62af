import type { Weights } from '../../rollout/weights.ts'
import { Refused } from '../platform.ts'
import type { AwsService } from './layout.ts'

/** A target group of a rule and its weight. */
export interface RuleWeight {
  arn: string
  weight: number
}

/**
 * The weights of a rule for a share of green. ALB takes integers from 0 to 999 which are relative:
 * whole percents stand as they are, a share with a tenth as thousandths.
 * @throws Refused for a share that is finer than that
 */
export function toRuleWeights(
  { blue, green }: Weights,
  groups: Pick<AwsService, 'blue' | 'green'>,
): RuleWeight[] {
  const factor = Number.isInteger(green) ? 1 : 10
  const [b, g] = [Math.round(blue * factor), Math.round(green * factor)]
  if (Math.abs(g - green * factor) > 1e-9) {
    throw new Refused(
      `green ${green} is finer than the listener rule's thousandths; give whole percents, or tenths`,
    )
  }
  return [
    ...(groups.blue === undefined ? [] : [{ arn: groups.blue, weight: b }]),
    { arn: groups.green, weight: g },
  ]
}

/**
 * Green's percent, of the weights of a rule: all that is not blue's, so that a group which the plan no
 * longer names still counts as what users get beside blue. A rule that knows no blue, as where that is
 * another one by now, says what green has. A rule that is all zeros gives nobody anything.
 */
export function shareOf(
  weights: readonly RuleWeight[],
  { blue, green }: Pick<AwsService, 'blue' | 'green'>,
): number {
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  if (sum === 0) return 0
  const of = (group: string | undefined) => weights.find(({ arn }) => arn === group)?.weight
  const ofBlue = of(blue)
  const share = ofBlue === undefined ? (of(green) ?? sum) : sum - ofBlue
  return Math.round((share * 10_000) / sum) / 100
}
