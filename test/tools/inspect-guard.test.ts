import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, test } from 'vitest'
import { checkout, checkoutNode } from '../../tools/checkout.ts'

test('an error with a line of node_modules/@scope/file is shown at once, others in colour', () => {
  const guard = path.join(checkout, 'tools', 'pulumi', 'inspect-guard.cjs')
  const program = `
    const util = require('util')
    const shown = (line) => {
      const error = new Error('boom')
      error.stack = 'Error: boom\\n    at run (' + line + ':1:2)'
      return util.inspect(error, { colors: true })
    }
    console.log(shown('/a/node_modules/@scope/file.ts'))
    console.log(JSON.stringify(shown('/a/node_modules/name/file.ts')), typeof util.inspect.custom)`
  const { stdout, error } = spawnSync(checkoutNode(), ['--require', guard, '-e', program], {
    encoding: 'utf8',
    timeout: 10_000,
  })
  expect(error).toBeUndefined()
  expect(stdout).toContain('at run (/a/node_modules/@scope/file.ts:1:2)')
  expect(stdout).toMatch(/\\u001b\[4mname.*symbol/)
})
