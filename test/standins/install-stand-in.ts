import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout, compiledDirectory } from '../../tools/checkout.ts'
import { shellQuote } from '../../tools/shell-quote.ts'

/** Exactly the SDKs': the engine looks for no other. */
const VERSIONS = { aws: '7.48.0', kubernetes: '4.34.2' }

/** Puts the stand-in for a plugin where the engine finds it, in a home of the test's own. */
export function installStandIn(plugin: keyof typeof VERSIONS, pulumiHome: string): void {
  const plugins = join(pulumiHome, 'plugins')
  const name = `resource-${plugin}-v${VERSIONS[plugin]}`
  mkdirSync(join(plugins, name), { recursive: true })
  const file = join(plugins, name, `pulumi-resource-${plugin}`)
  const program = join(checkout, 'test', 'standins', `pulumi-resource-${plugin}-stand-in.ts`)
  // An exec, so that the parent the plugin looks for is the engine. Compiled code is kept as that of
  // the program is: a stand-in starts with each of a test's many updates.
  const words = [process.execPath, program].map(shellQuote)
  writeFileSync(
    file,
    `#!/bin/sh\nNODE_COMPILE_CACHE=${shellQuote(compiledDirectory)} exec ${words.join(' ')} "$@"\n`,
  )
  chmodSync(file, 0o755)
  writeFileSync(join(plugins, `${name}.lock`), '')
}
