import type { KubernetesReference } from '../../../platforms/reference.ts'
import { planOf } from '../../../rollout/plan-text.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { isOffline } from '../request.ts'
import { clusterOf } from './cluster.ts'

/** Hands the plan to the hook in the cluster, and waits until it says that it guards it. */
export const guard: ResourceType = {
  replaceOn: ['platform.name', 'platform.namespace'],
  async diff(_ctx, _id, _olds, news) {
    if (isOffline()) return undefined
    // Its own word counts, not the Deployment's: one that is ready may have stopped to guard.
    const { api, place, handing } = await clusterOf(news['platform'] as KubernetesReference)
    const said = await handing.guardedHash(api, place)
    const guards = 'planHash' in said && said.planHash === news['planHash']
    return guards ? undefined : { changed: true }
  },
  async create(ctx, inputs) {
    await hand(ctx, inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(ctx, _id, _olds, news) {
    await hand(ctx, news)
    return news
  },
}

async function hand(ctx: Context, inputs: Props): Promise<void> {
  const { api, place, handing } = await clusterOf(inputs['platform'] as KubernetesReference)
  const environment = inputs['environment'] as string | undefined
  ctx.progress('waiting for the hook to guard this plan')
  await handing.handOver(api, place, {
    plan: planOf(inputs['plan']),
    planHash: String(inputs['planHash']),
    clock: Number(inputs['clock']),
    ...(environment === undefined ? {} : { environment }),
    signal: ctx.signal,
  })
}
