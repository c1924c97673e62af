import type { ResourceValidationPolicy } from '@pulumi/policy'
import { describeChange, greenOf, rising } from '../rollout/weights.ts'
import { ADMISSION, type AdmissionProps, readAdmission } from './resources.ts'

/** Percentage points by which green may rise in one update where nothing is configured. */
export const MAXIMUM_POINTS = 50

/**
 * What is wrong with the size of a step: green of no service rises by more than so many points.
 * @returns one sentence a service; none where nothing is wrong
 */
export function tooLargeSteps(
  { previous, weights }: Pick<AdmissionProps, 'previous' | 'weights'>,
  maximumPoints = MAXIMUM_POINTS,
): string[] {
  return rising(previous, weights)
    .map((service) => ({
      service,
      points: greenOf(weights, service) - greenOf(previous, service),
    }))
    .filter(({ points }) => points > maximumPoints)
    .map(
      ({ service, points }) =>
        `${describeChange(
          { [service]: previous[service] ?? { blue: 100, green: 0 } },
          { [service]: weights[service] ?? { blue: 100, green: 0 } },
        )}: green rises by ${points} points, and at most ${maximumPoints} are allowed in one step; give the plan a step between`,
    )
}

export const limitStepSize: ResourceValidationPolicy = {
  name: 'limit-step-size',
  description: 'Green of no service rises by more than a number of percentage points in one step.',
  configSchema: {
    properties: {
      maximumPoints: { type: 'number', minimum: 1, maximum: 100, default: MAXIMUM_POINTS },
    },
  },
  validateResource(args, report) {
    if (args.type !== ADMISSION) return
    const admission = readAdmission(args.props)
    if (!admission) return
    const { maximumPoints } = args.getConfig<{ maximumPoints?: number }>()
    for (const problem of tooLargeSteps(admission, maximumPoints)) report(problem)
  },
}
