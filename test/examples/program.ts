import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { checkout } from '../../tools/checkout.ts'

const run = promisify(execFile)

/** A service of an example in a process of its own, on a free port, with faults allowed. */
export async function startExample(
  command: string[],
  environment: Record<string, string>,
): Promise<{ url: string; stop: () => Promise<void> }> {
  const child = spawn(process.execPath, command, {
    cwd: checkout,
    env: { PATH: process.env['PATH'], PORT: '0', EXAMPLE_FAULTS: '1', ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = once(child, 'exit')
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exit.then(([code]) => Promise.reject(new Error(`${command[0]} ended with ${code}`))),
  ])
  return {
    url: /http:\S+/.exec(String(line))?.[0] as string,
    stop: async () => {
      child.kill('SIGTERM')
      await exit
    },
  }
}

/** Runs a command of a plan to its end; rejects where it fails. */
export async function runExample(
  command: string[],
  environment: Record<string, string>,
): Promise<string> {
  const env = { PATH: process.env['PATH'], ...environment }
  const { stdout } = await run(process.execPath, command, { cwd: checkout, env })
  return stdout.trim()
}
