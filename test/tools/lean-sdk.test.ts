import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { expect, it } from 'vitest'
import { checkout } from '../../tools/checkout.ts'

const lean = path.join(checkout, 'tools', 'pulumi', 'lean-sdk.cjs')

/** What a program prints that is started as the language runtime starts one. */
function run(script: string, typescript: string): string {
  return execFileSync(process.execPath, [`--require=${lean}`, '-e', script], {
    cwd: checkout,
    encoding: 'utf8',
    env: { ...process.env, PULUMI_NODEJS_TYPESCRIPT: typescript },
  }).trim()
}

const LOADED = `Object.keys(require.cache).some((file) => file.includes('arborist'))`

it("leaves npm's resolver out until somebody uses it, and then it is the real one", () => {
  const script = `const sdk = require('@pulumi/pulumi'); const before = ${LOADED};
    const { Arborist } = require('@npmcli/arborist');
    console.log(typeof sdk.Output, before, typeof Arborist, ${LOADED})`
  expect(run(script, 'false')).toBe('function false function true')
})

it('reads source maps where a compiler made the program, and nowhere else', () => {
  const script = `require('source-map-support/register');
    console.log(Object.keys(require.cache).some((file) => file.includes('source-map-support')))`
  expect(run(script, 'true')).toBe('true')
  expect(run(script, 'false')).toBe('false')
})
