import { setTimeout as sleep } from 'node:timers/promises'
import type { ProviderOptions } from './resource.ts'
import { Provider } from './service.ts'

/** A provider to serve; the argument list is the engine's, the process's own by default. */
export interface ServeOptions extends ProviderOptions {
  argv?: string[]
}

/** How often to look for the parent; with the grace below, an orphan is gone within a second. */
export const LOOK_MS = 150
/** What running handlers get to write down how far they came once the engine is gone. */
export const ORPHAN_GRACE_MS = 500
/** The same when the engine ends us by SIGINT; it kills after five seconds. */
const STOP_GRACE_MS = 3000

/**
 * Serves a provider as the engine's child process: prints the port, and goes when it is told to
 * or when its parent is gone. A killed engine tells nobody, and a provider that lived on would
 * go on moving traffic while the next engine moves it too.
 */
export async function serve(options: ServeOptions): Promise<void> {
  const parent = process.ppid
  const provider = new Provider(options, engineAddress(options.argv ?? process.argv.slice(2)))

  let stopping = false
  const stop = async (reason: string, grace: number) => {
    if (stopping) return
    stopping = true
    provider.cancel(reason)
    await Promise.race([provider.idle(), sleep(grace)])
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => stop('the engine ended the provider', STOP_GRACE_MS))
  }
  setInterval(() => {
    if (process.ppid !== parent) stop('the engine is gone', ORPHAN_GRACE_MS)
  }, LOOK_MS)

  // With the engine goes the reader of our output; that must not end the grace early.
  process.stdout.on('error', () => {})
  process.stderr.on('error', () => {})
  process.stdout.write(`${await provider.listen()}\n`)
}

/** The engine's address is the first argument that is not one of its logging flags. */
function engineAddress(argv: string[]): string | undefined {
  return argv.find((arg, i) => !arg.startsWith('-') && argv[i - 1] !== '--tracing')
}
