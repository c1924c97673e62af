// Where this checkout is, and what of it other programs need.
import { existsSync } from 'node:fs'
import path from 'node:path'

/** The root of the checkout. */
export const checkout = path.dirname(import.meta.dirname)

/** The checkout's own folder of state: never committed, safe to delete when nothing runs. */
export const stateDirectory = path.join(checkout, '.sluice')

/** Compiled code of the program and the provider; they use it where it is. */
export const compiledDirectory = path.join(stateDirectory, 'compile-cache')

/** What the last set-up found, so that nothing has to be probed again at run time. */
export const recordFile = path.join(stateDirectory, 'tools.json')

/** The Node of the lock file where it is installed, else the one that runs this. */
export function checkoutNode(): string {
  const installed = path.join(checkout, 'node_modules', '.bin', 'node')
  return existsSync(installed) ? installed : process.execPath
}
