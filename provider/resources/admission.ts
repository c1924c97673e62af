import { type Admission, admit, admitUnchecked, describeTrip } from '../../rollout/admission.ts'
import { isUnavailable, type Observation } from '../../rollout/observation.ts'
import { describeRefusals } from '../../rollout/refusal.ts'
import { allBlue, type ServiceWeights, sameWeights } from '../../rollout/weights.ts'
import type { Props, ResourceType } from '../protocol.ts'
import { isOffline, platformOf, requestOf } from './request.ts'

/**
 * The admission of a traffic step. Check runs on every preview and every update, decides from
 * journal and live weights, and returns the permitted weights; apply decides once more.
 */
export const admission: ResourceType = {
  async check(ctx, olds, news) {
    const request = requestOf(news)
    if (isOffline()) {
      const before = weightsIn(olds) ?? allBlue(Object.keys(request.plan.services))
      const unchecked = admitUnchecked(request, before)
      for (const warning of unchecked.warnings) await ctx.warn(warning)
      return outcome(olds, news, unchecked, 'not checked')
    }
    const observation = await (await platformOf(news)).observe()
    const decided = admit(request, observation, 'preview', lastAttempt(olds))
    for (const warning of decided.warnings) await ctx.warn(warning)
    // The first deployment writes a clear latch.
    const first = olds === undefined && observation.latch === 'missing'
    return outcome(olds, news, decided, first ? 'clear' : latchText(observation, decided))
  },
  async diff(_ctx, _id, _olds, news) {
    if (isOffline()) return undefined
    // The same was admitted before, but live is not what it permitted (after an adoption, say): the
    // way there is a move of its own, and nothing moves that was not admitted.
    const { live } = await (await platformOf(news)).observe()
    const permitted = weightsIn(news)
    if (isUnavailable(live) || !permitted || sameWeights(live, permitted)) return undefined
    return { changed: true, paths: ['weights'] }
  },
  async create(ctx, inputs) {
    return { id: ctx.name, outputs: await apply(inputs, undefined) }
  },
  async update(_ctx, _id, olds, news) {
    return apply(news, lastAttempt(olds))
  },
}

async function apply(inputs: Props, attempt: number | undefined): Promise<Props> {
  const admitted = await (await platformOf(inputs)).admit(requestOf(inputs), attempt)
  return { ...inputs, weights: admitted.permitted }
}

function outcome(olds: Props | undefined, news: Props, decided: Admission, latch: string) {
  if (decided.refusals.length > 0) {
    const move = `${decided.standsAt} → ${decided.position ?? news['position']}`
    const reason = describeRefusals(move, decided.change, decided.refusals)
    return { inputs: news, failures: [{ property: 'position', reason }] }
  }
  const position = decided.position ?? news['position']
  // Stays what it was while the cursor stays, so that a second preview shows no change; policies
  // read the size of a step from it.
  const previous =
    olds === undefined
      ? decided.from
      : olds['position'] === position
        ? olds['previous']
        : weightsIn(olds)
  return { inputs: { ...news, position, weights: decided.permitted, previous, latch } }
}

/** The latch as people read it in a preview. */
export function latchText(observation: Observation, decided?: Admission): string {
  const { latch } = observation
  if (decided?.acknowledges) return 'clear'
  if (latch === 'missing') return observation.deployed ? 'missing' : 'clear'
  if (isUnavailable(latch)) return 'not readable'
  return latch.latched ? describeTrip(latch) : 'clear'
}

function lastAttempt(olds: Props | undefined): number | undefined {
  return olds === undefined ? undefined : Number(olds['attempt'])
}

function weightsIn(props: Props | undefined): ServiceWeights | undefined {
  return props?.['weights'] as ServiceWeights | undefined
}
