import type { PlatformReference } from '../../platforms/open.ts'
import { nameOf } from '../../platforms/reference.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import { describeChange } from '../../rollout/weights.ts'
import type { Props } from '../protocol.ts'
import { platformOf } from './request.ts'

/**
 * Refuses `pulumi destroy` of a rollout that carries traffic and guards it, on every platform. Only
 * the explicit tear-down, which names the rollout, goes through.
 * @throws Error with the reason and the command to use
 */
export async function mayTearDown(urn: string, inputs: Props): Promise<void> {
  const name = nameOf(inputs['platform'] as PlatformReference)
  if (process.env['SLUICE_TEARDOWN'] === name) return
  const { journal, live } = await (await platformOf(inputs)).observe()
  if (journal === 'missing') return
  const carries = isUnavailable(live)
    ? `what it carries could not be read: ${live.unavailable}`
    : `it carries traffic and guards it, ${describeChange(live, live)}`
  const at = isUnavailable(journal) ? '' : ` stands at ${journal.verified.position}`
  throw new Error(
    `the rollout ${name}${at}: ${carries}. To tear down a test or a rehearsal, traffic and all: sluice teardown ${stackOf(urn) ?? name}`,
  )
}

/** `urn:pulumi:<stack>::<project>::…`: people type the stack's name. */
function stackOf(urn: string): string | undefined {
  return urn.split('::')[0]?.split(':')[2]
}
