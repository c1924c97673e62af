import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** A generation of the recruiting system in a process of its own, on a free port. */
export const startGeneration = async (
  version: 'v1' | 'v2',
  database: string,
  environment: Record<string, string> = {},
) => {
  const program = fileURLToPath(new URL(`../../examples/huntred/${version}.ts`, import.meta.url))
  const child = spawn(process.execPath, [program], {
    env: { PATH: process.env['PATH'], HUNTRED_URL: database, PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const line = await Promise.race([
    once(createInterface(child.stdout), 'line').then(([text]) => String(text)),
    exit.then(([code]) => Promise.reject(new Error(`${version} ended with ${code}`))),
  ])
  const url = /http:\S+/.exec(line)?.[0]
  if (!url) throw new Error(`${version} said: ${line}`)
  return {
    url,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exit
      return code as number | null
    },
  }
}

export type Generation = Awaited<ReturnType<typeof startGeneration>>

/** The state of the database that /healthz tells; the answer itself must be 200. */
export const databaseState = async (url: string) => {
  const answer = await fetch(`${url}/healthz`)
  if (answer.status !== 200) throw new Error(`/healthz answered ${answer.status}`)
  return ((await answer.json()) as { database: string }).database
}
