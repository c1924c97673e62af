import type { KubernetesReference } from '../../../platforms/reference.ts'
import type { Props, ResourceType } from '../../protocol.ts'
import { isOffline } from '../request.ts'
import { clusterOf } from './cluster.ts'

/** The hook's tokens, in a Secret that is made once and never read into a state. */
export const tokens: ResourceType = {
  replaceOn: ['platform.name', 'platform.namespace'],
  async diff(_ctx, _id, _olds, news) {
    if (isOffline()) return undefined
    const { api, place, secretPath } = await clusterOf(news['platform'] as KubernetesReference)
    const there = await api.find(secretPath(place)).catch(() => true)
    return there ? undefined : { changed: true }
  },
  async create(ctx, inputs) {
    await make(inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(_ctx, _id, _olds, news) {
    await make(news)
    return news
  },
}

async function make(inputs: Props): Promise<void> {
  const { api, place, handing } = await clusterOf(inputs['platform'] as KubernetesReference)
  await handing.ensureToken(api, place)
}
