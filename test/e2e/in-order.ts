import { afterEach, beforeEach } from 'vitest'

/**
 * For a suite whose tests build on each other: after the first that fails the others are left out. They
 * would say the same again, each after minutes of waiting for what cannot come.
 */
export function inOrder(): void {
  let failed: string | undefined
  beforeEach(({ skip }) => {
    if (failed !== undefined) skip(`after "${failed}", which failed`)
  })
  afterEach(({ task }) => {
    if (task.result?.state === 'fail') failed ??= task.name
  })
}
