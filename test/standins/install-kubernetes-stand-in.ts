import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkout } from '../../tools/checkout.ts'
import { shellQuote } from '../../tools/shell-quote.ts'

/** Exactly the SDK's: the engine looks for no other. */
const VERSION = '4.34.2'

/** Puts the stand-in for the kubernetes plugin where the engine finds it, in a home of the test's own. */
export function installKubernetesStandIn(pulumiHome: string): void {
  const folder = join(pulumiHome, 'plugins', `resource-kubernetes-v${VERSION}`)
  mkdirSync(folder, { recursive: true })
  const file = join(folder, 'pulumi-resource-kubernetes')
  const program = join(checkout, 'test', 'standins', 'pulumi-resource-kubernetes-stand-in.ts')
  // An exec, so that the parent the plugin looks for is the engine.
  const words = [process.execPath, program].map(shellQuote)
  writeFileSync(file, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`)
  chmodSync(file, 0o755)
  writeFileSync(join(pulumiHome, 'plugins', `resource-kubernetes-v${VERSION}.lock`), '')
}
