import { fetchFailure } from '../platforms/hook-answer.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Finding, Look } from './examination/finding.ts'
import { localParts } from './examination/local.ts'
import { observedParts } from './examination/observed.ts'
import type { OpenStack } from './stack.ts'

export type { Finding } from './examination/finding.ts'

type Kind = OpenStack['settings']['platform']['kind']

/** One line a platform; where one has none, what the local one looks at says so. */
const PARTS: Partial<
  Record<Kind, (stack: OpenStack, observation: Observation) => Promise<Look[]>>
> = {
  local: async (stack, observation) => localParts(stack, observation),
  kubernetes: async (stack, observation) =>
    (await import('./examination/kubernetes.ts')).clusterParts(stack, observation),
  aws: async (stack, observation) => observedParts(stack, observation),
}

/** Looks at every part; one that fails is a finding, never the end of the examination. */
export async function examine(stack: OpenStack): Promise<Finding[]> {
  const observation = await stack.platform.observe()
  const { kind } = stack.settings.platform
  const parts = (await PARTS[kind]?.(stack, observation)) ?? localParts(stack, observation)
  return Promise.all(
    parts.map(async ([part, look]) => ({
      part,
      ...(await look().catch((error: unknown) => ({
        state: 'ill' as const,
        found: failure(error),
      }))),
    })),
  )
}

function failure(error: unknown): string {
  const { message } = error as Error
  return message === 'fetch failed' ? `does not answer (${fetchFailure(error)})` : message
}
