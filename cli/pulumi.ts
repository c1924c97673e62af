import { spawn, spawnSync } from 'node:child_process'
import { sluiceEnvironment } from '../tools/environment.ts'
import type { Stack } from './stack.ts'

/**
 * Runs Pulumi on a stack, its output shown.
 * @param environment added to the environment
 * @returns its exit code; 127 where it could not be started
 */
export function runPulumi(
  stack: Stack,
  args: string[],
  environment: Record<string, string> = {},
): Promise<number> {
  const where = stack.elsewhere ? ['--config-file', stack.configFile] : []
  return new Promise((resolve) => {
    const child = spawn('pulumi', [...args, '--stack', stack.name, ...where], {
      cwd: stack.cwd,
      env: { ...process.env, ...sluiceEnvironment(), ...environment },
      stdio: 'inherit',
    })
    // Ctrl-C reaches Pulumi by itself; this process stays to say how far it got.
    const stay = () => {}
    const pass = () => child.kill('SIGTERM')
    process.on('SIGINT', stay)
    process.on('SIGTERM', pass)
    const over = (code: number) => {
      process.off('SIGINT', stay)
      process.off('SIGTERM', pass)
      resolve(code)
    }
    child.once('error', (error) => {
      process.stderr.write(`pulumi could not be started: ${error.message}; next: npm run setup\n`)
      over(127)
    })
    child.once('close', (code) => over(code ?? 1))
  })
}

/** The stack that Pulumi has selected; undefined where it has none or does not say so quickly. */
export function selectedStack(cwd: string): string | undefined {
  const { status, stdout } = spawnSync('pulumi', ['stack', '--show-name', '--non-interactive'], {
    cwd,
    env: { ...process.env, ...sluiceEnvironment() },
    encoding: 'utf8',
    timeout: 3_000,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const name = status === 0 ? stdout.trim().split('/').at(-1) : undefined
  return name && /^[A-Za-z0-9._-]+$/.test(name) ? name : undefined
}
