import { spawn } from 'node:child_process'
import { acknowledges } from '../rollout/latch.ts'
import { latchOf, type Observation } from '../rollout/observation.ts'
import { sluiceEnvironment } from '../tools/environment.ts'
import { isFresh } from './outlook.ts'
import type { OpenStack } from './stack.ts'

/**
 * The attempt of the stack's last update, as admission compares with it: an attempt that was raised
 * before a trip does not acknowledge it. Pulumi is asked only where the answer makes a difference.
 *
 * @returns undefined before the first update, and where Pulumi does not say
 */
export async function lastAttemptOf(
  stack: OpenStack,
  observation: Observation,
): Promise<number | undefined> {
  if (isFresh(observation)) return undefined
  const { attempt } = stack.settings
  const latch = latchOf(observation)
  return latch && acknowledges(latch, attempt) ? attemptIn(await exportState(stack)) : attempt
}

/** The attempt of the admission in a state as `pulumi stack export` writes it. */
export function attemptIn(state: string): number | undefined {
  try {
    const { deployment } = JSON.parse(state) as {
      deployment?: { resources?: { type?: string; inputs?: Record<string, unknown> }[] }
    }
    const found = deployment?.resources?.find(({ type }) => type === 'sluice:index:Admission')
    const attempt = Number(found?.inputs?.['attempt'])
    return Number.isInteger(attempt) ? attempt : undefined
  } catch {
    return undefined
  }
}

/** The stack's state; empty where Pulumi does not answer. It takes no lock, and waits for none. */
function exportState({ cwd, name }: OpenStack): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn('pulumi', ['stack', 'export', '--stack', name, '--non-interactive'], {
      cwd,
      env: { ...process.env, ...sluiceEnvironment() },
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 10_000,
    })
    let output = ''
    child.stdout.on('data', (data: Buffer) => {
      output += data
    })
    child.once('error', () => resolve(''))
    child.once('close', (code) => resolve(code === 0 ? output : ''))
  })
}
