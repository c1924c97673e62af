import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkout } from '../../tools/checkout.ts'

/** The titles of the suite that are run: the promise that is broken, and those before it. */
const PROMISES = 'first admission, green at 0|no admission covers'

describe('the contract', () => {
  it('fails a platform on AWS that sets what was not admitted, by the name of the promise', async () => {
    const { code, output } = await suite()
    expect(code).not.toBe(0)
    expect(output).toMatch(/FAIL.*refuses to set a weight that no admission covers/)
    expect(output).not.toMatch(/FAIL.*writes a clear latch/)
  }, 300_000)
})

function suite(): Promise<{ code: number | null; output: string }> {
  const vitest = join(checkout, 'node_modules', '.bin', 'vitest')
  const config = join(checkout, 'test', 'contracts', 'broken', 'vitest.config.ts')
  const args = [vitest, 'run', '--config', config, '--root', checkout, '-t', PROMISES]
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: checkout,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const take = (chunk: Buffer) => {
      output += chunk
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, output }))
  })
}
