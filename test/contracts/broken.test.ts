import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../../tools/checkout.ts'

/** Runs the suite on an implementation that breaks a promise; tells how it ended and what it said. */
function runBroken(name: string): Promise<{ code: number | null; output: string }> {
  const vitest = join(checkout, 'node_modules', 'vitest', 'vitest.mjs')
  const child = spawn(
    process.execPath,
    [
      vitest,
      'run',
      '--bail=1',
      '--reporter=verbose',
      '--test-name-pattern=a rollout',
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

it('a cluster that rolls back without a latch fails the suite, at that very promise', async () => {
  const { code, output } = await runBroken('kubernetes.broken.ts')
  expect(code).not.toBe(0)
  expect(output).toMatch(/✓.*always goes back, at once/)
  expect(output).toMatch(/[×✗].*rolls back on a person's command, once, and latches/)
}, 300_000)
