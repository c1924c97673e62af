import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../tools/checkout.ts'

const WITHOUT_LATCH = {
  titles: 'a rollout',
  keeps: /✓.*always goes back, at once/,
  breaks: /[×✗].*rolls back on a person's command, once, and latches/,
}

/** What is broken on purpose in each implementation, and how the suite says so. */
const BROKEN = [
  { platform: 'local', promise: 'a rollback latches', ...WITHOUT_LATCH },
  { platform: 'kubernetes', promise: 'a rollback latches', ...WITHOUT_LATCH },
  {
    platform: 'aws',
    promise: 'nothing is set that was not admitted',
    titles: 'first admission, green at 0|no admission covers',
    keeps: /✓.*writes a clear latch/,
    breaks: /[×✗].*refuses to set a weight that no admission covers/,
  },
]

describe('the contract fails a platform that breaks one promise, by its name', () => {
  it.each(BROKEN)(
    '$platform: $promise',
    async ({ platform, titles, keeps, breaks }) => {
      const { code, output } = await runBroken(`${platform}.broken.ts`, titles)
      expect(code).not.toBe(0)
      expect(output).toMatch(keeps)
      expect(output).toMatch(breaks)
    },
    300_000,
  )
})

/** Runs the suite on an implementation that breaks a promise; tells how it ended and what it said. */
function runBroken(name: string, titles: string): Promise<{ code: number | null; output: string }> {
  const vitest = join(checkout, 'node_modules', 'vitest', 'vitest.mjs')
  const child = spawn(
    process.execPath,
    [
      vitest,
      'run',
      '--bail=1',
      '--reporter=verbose',
      `--test-name-pattern=${titles}`,
      '--config',
      'test/contracts/broken/vitest.config.ts',
      name,
    ],
    { cwd: checkout, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NO_COLOR: '1' } },
  )
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
