import { acknowledgement, describeTrip } from '../../rollout/admission.ts'
import { acknowledges, type Latch } from '../../rollout/latch.ts'
import { isUnavailable, latchOf } from '../../rollout/observation.ts'
import type { Props, ResourceType } from '../protocol.ts'
import { mayEnd } from './end.ts'
import { isOffline, platformOf } from './request.ts'

/**
 * Fails every update while a rollback is not acknowledged, after the weights were brought to what
 * is live. Its state keeps the latch it last passed with, so that a latch is always a difference.
 * Everything else stands before it, so that `pulumi destroy` comes to it first, and stops here.
 */
export const verdict: ResourceType = {
  async check(_ctx, olds, news) {
    if (isOffline()) return { inputs: { ...news, latch: olds?.['latch'] ?? 'clear' } }
    const { latch, deployed } = await (await platformOf(news)).observe()
    if (latch === 'missing') {
      return { inputs: { ...news, latch: deployed && olds ? 'missing' : 'clear' } }
    }
    if (isUnavailable(latch)) return { inputs: { ...news, latch: 'not readable' } }
    return { inputs: { ...news, latch: holds(latch, olds, news) ? describeTrip(latch) : 'clear' } }
  },
  async diff(_ctx, _id, olds, news) {
    if (isOffline()) return undefined
    // Check has no old inputs under --target; here they are always there.
    const latch = latchOf(await (await platformOf(news)).observe())
    if (!latch || !holds(latch, olds, news)) return undefined
    return { changed: true, paths: ['latch'] }
  },
  async create(ctx, inputs) {
    return { id: ctx.name, outputs: await pronounce(inputs) }
  },
  async update(_ctx, _id, _olds, news) {
    return pronounce(news)
  },
  delete: ({ urn }, _id, olds) => mayEnd(olds, urn.split(':')[2] ?? ''),
}

function holds(latch: Latch, olds: Props | undefined, news: Props): boolean {
  const last = olds === undefined ? undefined : Number(olds['attempt'])
  return latch.latched && !acknowledges(latch, Number(news['attempt']), last)
}

async function pronounce(inputs: Props): Promise<Props> {
  const { latch } = await (await platformOf(inputs)).observe()
  if (latch === 'missing')
    throw new Error('the latch is missing, which counts as latched; next: sluice doctor')
  if (isUnavailable(latch))
    throw new Error(`the latch could not be read: ${latch.unavailable}; next: sluice doctor`)
  if (latch.latched) {
    throw new Error(
      `ROLLED BACK, and not acknowledged: ${describeTrip(latch)}.\nThe state now says what is live. To go on: ${acknowledgement(latch, Number(inputs['attempt']))}`,
    )
  }
  return { ...inputs, latch: 'clear' }
}
