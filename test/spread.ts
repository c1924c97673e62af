import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Suites that start a cluster or an account of their own, the longest first. */
const BEDS = [
  'test/e2e/kubernetes.test.ts',
  'test/e2e/aws.test.ts',
  'test/e2e/kubernetes-hardship.test.ts',
  'test/e2e/aws-tasks.test.ts',
  'test/contracts/aws.test.ts',
  'test/platforms/kubernetes/hardship.test.ts',
  'test/contracts/kubernetes.test.ts',
  'test/platforms/kubernetes/plan-language.test.ts',
]

/**
 * Puts the suites that start a cluster or an account between the others, so that no two of them run at
 * once: beside each other they take nearly twice as long, and what they wait for is late.
 */
export class Spread extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const bedOf = ({ moduleId }: TestSpecification) =>
      BEDS.findIndex((bed) => moduleId.endsWith(`/${bed}`))
    const beds = sorted.filter((file) => bedOf(file) >= 0).sort((a, b) => bedOf(a) - bedOf(b))
    const others = sorted.filter((file) => bedOf(file) < 0)
    // In the first half, so that none is the last that everything waits for.
    const apart = Math.ceil(others.length / (2 * Math.max(1, beds.length)))
    return beds
      .flatMap((bed, index) => [bed, ...others.slice(index * apart, (index + 1) * apart)])
      .concat(others.slice(beds.length * apart))
  }
}
