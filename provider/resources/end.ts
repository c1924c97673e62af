import { nameOf, openPlatform, type PlatformReference } from '../../platforms/open.ts'
import { isUnavailable, type Observation } from '../../rollout/observation.ts'
import type { Props } from '../protocol.ts'

/**
 * Refuses to end a rollout that stands somewhere, unless it is torn down by name. Asked before anything
 * else of it is deleted: everything of a rollout stands before its verdict.
 *
 * @param stack what `sluice teardown` is told
 * @throws Error with the reason and the commands
 */
export async function mayEnd(inputs: Props, stack: string): Promise<void> {
  const reference = inputs['platform'] as PlatformReference
  const name = nameOf(reference)
  if (process.env['SLUICE_TEARDOWN'] === name) return
  const stands = standing(await (await openPlatform(reference)).observe())
  if (stands === undefined) return
  throw new Error(
    `the rollout ${name} stands at ${stands}: it carries traffic and guards it. To tear down a test or a rehearsal, traffic and all: sluice teardown ${stack}`,
  )
}

function standing({ deployed, journal }: Observation): string | undefined {
  if (isUnavailable(journal)) return `a position that cannot be read (${journal.unavailable})`
  if (!deployed || journal === 'missing') return undefined
  return journal.verified.position
}
