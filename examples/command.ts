import { parseArgs } from 'node:util'

/** Runs a command of a plan: 0 when it is done; otherwise it says why, and 1. */
export async function command(work: () => Promise<string>): Promise<void> {
  try {
    console.log(await work())
    process.exit(0)
  } catch (error) {
    console.error((error as Error).message)
    process.exit(1)
  }
}

/** The words of the command line, and its options, which are all texts. */
export function words(): { positionals: string[]; option: (name: string) => string } {
  const args = process.argv.slice(2)
  const options = Object.fromEntries(
    args
      .filter((arg) => arg.startsWith('--'))
      .map((arg) => [arg.slice(2).split('=')[0], { type: 'string' as const }]),
  )
  const { positionals, values } = parseArgs({ args, options, allowPositionals: true, strict: true })
  return {
    positionals,
    option: (name) => {
      const value = (values as Record<string, unknown>)[name]
      if (typeof value !== 'string') throw new Error(`--${name}: is missing`)
      return value
    },
  }
}

/** Asks an address for JSON. Anything but 2xx is an error that says which address it was. */
export async function ask<T = Record<string, unknown>>(
  url: string,
  method = 'GET',
  body?: object,
  headers: Record<string, string> = {},
): Promise<T> {
  const response = await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  }).catch((error: Error) => {
    const code = (error.cause as { code?: string } | undefined)?.code
    throw new Error(`${method} ${url}: ${code ?? error.message}`)
  })
  if (!response.ok) throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** Throws what is said where it is not so. */
export function must(so: boolean, otherwise: string): asserts so {
  if (!so) throw new Error(otherwise)
}
