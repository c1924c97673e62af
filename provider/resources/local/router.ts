import { haproxyConfig, type RouterOptions } from '../../../platforms/local/haproxy-config.ts'
import { type Layout, layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { applyRouter } from '../../../platforms/local/router-service.ts'
import { removeService } from '../../../platforms/local/supervisor.ts'
import { admit } from '../../../rollout/admission.ts'
import { journalOf } from '../../../rollout/observation.ts'
import { planOf } from '../../../rollout/plan-text.ts'
import { findPosition, positionsOf } from '../../../rollout/positions.ts'
import type { Props, ResourceType } from '../../protocol.ts'
import { isOffline, platformOf, requestOf } from '../request.ts'
import { mayDelete } from './deletion.ts'
import { whereDown } from './repair.ts'

/** The router. A change of its configuration is a reload that loses no request and no weight. */
export const router: ResourceType = {
  replaceOn: ['home'],
  diff: whereDown(() => 'router'),
  async check(_ctx, olds, news) {
    // The plan itself stays out of the inputs: an edit of a bake changes nothing of the router.
    const layout = layoutOf(String(news['home']))
    const plan = planOf(news['plan'])
    const config = haproxyConfig(plan, layout, portsOf(plan), await optionsFor(news, olds))
    return { inputs: { home: news['home'], services: Object.keys(plan.services), config } }
  },
  async create(ctx, inputs) {
    await apply(inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await apply(news)
    return news
  },
  async delete(_ctx, _id, olds) {
    await mayDelete(String(olds['home']), 'all')
    await removeService(layoutOf(String(olds['home'])), 'router')
  },
}

async function apply(inputs: Props): Promise<void> {
  const layout: Layout = layoutOf(String(inputs['home']))
  await applyRouter(layout, String(inputs['config']), inputs['services'] as string[])
}

/**
 * The guard is left out of the router only by a move to `released` that is admitted, or was; and
 * only from `promoted` on blue says that it is deprecated.
 */
async function optionsFor(news: Props, olds: Props | undefined): Promise<RouterOptions> {
  const request = requestOf(news)
  const positions = positionsOf(request.plan)
  const asked = findPosition(positions, request.position)?.kind
  if (isOffline() || !LATE.includes(asked)) return {}
  const observation = await (await platformOf(news)).observe()
  const journal = journalOf(observation)
  if (!journal) return {}
  const stands = findPosition(positions, journal.verified.position)?.kind
  const last = olds === undefined ? undefined : request.attempt
  const admitted = admit(request, observation, 'preview', last).refusals.length === 0
  return {
    deprecated: admitted || LATE.includes(stands),
    disarmed: asked !== 'promoted' && (admitted || stands === 'released' || stands === 'retired'),
    retired: asked === 'retired' && (admitted || stands === 'retired'),
  }
}

const LATE: (string | undefined)[] = ['promoted', 'released', 'retired']
