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

it('leaves the compiler out until somebody uses it, and then it is the real one', () => {
  const script = `const loaded = () => Object.keys(require.cache).some((file) =>
      file.endsWith('typescript/lib/typescript.js'));
    require('@pulumi/pulumi'); const before = loaded();
    const { ScriptTarget } = require('typescript');
    console.log(before, typeof ScriptTarget.ES2020, loaded())`
  expect(run(script, 'false')).toBe('false number true')
})

it('keeps the flags of V8 as they are, so that compiled code from an earlier run is taken', () => {
  const script = `const before = require('v8').cachedDataVersionTag();
    const sdk = require.resolve('@pulumi/pulumi').replace(/index.js$/, 'cmd/run/index.js');
    const hooks = require('module').createRequire(sdk)('../../runtime/closure/v8Hooks');
    hooks.isInitializedAsync().then(() =>
      console.log(before === require('v8').cachedDataVersionTag()))`
  expect(run(script, 'false')).toBe('true')
})

it('reads source maps where a compiler made the program, and nowhere else', () => {
  const script = `require('source-map-support/register');
    console.log(Object.keys(require.cache).some((file) => file.includes('source-map-support')))`
  expect(run(script, 'true')).toBe('true')
  expect(run(script, 'false')).toBe('false')
})
