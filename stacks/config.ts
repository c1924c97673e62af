import { dirname, resolve } from 'node:path'
import * as pulumi from '@pulumi/pulumi'
import { type PlatformReference, referenceFrom } from '../platforms/reference.ts'

/** The stack's config under `sluice:`, read and checked. */
export interface StackConfig {
  /** Absolute path of the plan. */
  plan: string
  platform: PlatformReference
  position: string
  attempt: number
  confirmed: string[]
  clock: number
  /** Where the plan has environments; checked with the plan. */
  environment?: string
}

/**
 * Reads the stack's config.
 * @param folder where a relative path of the plan is looked up
 * @throws pulumi.RunError with one line a mistake
 */
export function readConfig(folder: string): StackConfig {
  const config = new pulumi.Config('sluice')
  const problems: string[] = []
  const problem = (key: string, text: string) => problems.push(`sluice:${key}: ${text}`)

  const plan = config.get('plan')
  if (!plan) problem('plan', 'is missing; pulumi config set sluice:plan <name>.plan.yaml')
  let platform: PlatformReference | undefined
  try {
    platform = referenceFrom({
      get: (key) => config.get(key),
      stack: pulumi.getStack(),
      project: dirname(folder),
    })
  } catch (error) {
    problems.push((error as Error).message)
  }
  const attempt = integer(config.get('attempt') ?? '1')
  if (!attempt) problem('attempt', `"${config.get('attempt')}" is no whole number from 1`)
  const clock = Number(config.get('clock') ?? '1')
  if (!(clock >= 1 && clock <= 1_000_000)) {
    problem('clock', `"${config.get('clock')}" is no number from 1 to 1000000`)
  }
  const confirmed = list(config)
  if (!confirmed) problem('confirmed', 'is no list; write sluice:confirmed: [huntred@25]')
  if (problems.length > 0) throw new pulumi.RunError(problems.join('\n'))

  return {
    plan: resolve(folder, plan as string),
    platform: platform as PlatformReference,
    position: config.get('step') ?? 'start',
    attempt: attempt as number,
    confirmed: confirmed as string[],
    clock,
    environment: config.get('environment'),
  }
}

function integer(text: string): number | undefined {
  const value = Number(text)
  return Number.isInteger(value) && value >= 1 ? value : undefined
}

function list(config: pulumi.Config): string[] | undefined {
  try {
    const value = config.getObject<unknown>('confirmed') ?? []
    return Array.isArray(value) ? value.map(String) : undefined
  } catch {
    return undefined
  }
}
