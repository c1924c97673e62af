import { defineConfig } from 'vitest/config'
import { Spread } from './test/spread.ts'
import { sluiceEnvironment } from './tools/environment.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Processes, not threads: tests change directories and environments, and start real programs.
    pool: 'forks',
    // Two files at a time: most suites start servers, and the limits they measure are real ones.
    maxWorkers: 2,
    sequence: { sequencer: Spread },
    watch: false,
    // The last resort: what a test waits for has a limit of its own, below this, and says what it was.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    // So that `vitest` on its own finds the same programs as `npm test`.
    env: sluiceEnvironment() as Record<string, string>,
  },
})
