import { defineConfig } from 'vitest/config'
import { checkout } from '../../../tools/checkout.ts'
import { sluiceEnvironment } from '../../../tools/environment.ts'

/** For the implementations that are broken on purpose; the tests' own configuration leaves them out. */
export default defineConfig({
  test: {
    root: checkout,
    include: ['test/contracts/broken/*.broken.ts'],
    pool: 'forks',
    watch: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: sluiceEnvironment() as Record<string, string>,
  },
})
