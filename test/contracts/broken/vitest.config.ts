import { defineConfig } from 'vitest/config'
import { sluiceEnvironment } from '../../../tools/environment.ts'

/** For the suites that are to fail: no other run finds them. */
export default defineConfig({
  test: {
    include: ['test/contracts/broken/aws.ts'],
    pool: 'forks',
    watch: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: sluiceEnvironment() as Record<string, string>,
  },
})
