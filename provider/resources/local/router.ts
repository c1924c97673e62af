import { haproxyConfig } from '../../../platforms/local/haproxy-config.ts'
import { type Layout, layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { applyRouter } from '../../../platforms/local/router-service.ts'
import { removeService } from '../../../platforms/local/supervisor.ts'
import type { Plan } from '../../../rollout/plan.ts'
import type { Props, ResourceType } from '../../protocol.ts'
import { mayDelete } from './deletion.ts'

/** The router. A change of its configuration is a reload that loses no request and no weight. */
export const router: ResourceType = {
  replaceOn: ['home'],
  async check(_ctx, _olds, news) {
    // The plan itself stays out of the inputs: an edit of a bake changes nothing of the router.
    const layout = layoutOf(String(news['home']))
    const plan = news['plan'] as Plan
    const config = haproxyConfig(plan, layout, portsOf(plan))
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
