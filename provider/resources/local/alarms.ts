import { alertRulesText } from '../../../platforms/local/alert-rules.ts'
import { layoutOf, type Ports, portsOf } from '../../../platforms/local/layout.ts'
import { prometheusConfig } from '../../../platforms/local/prometheus-config.ts'
import { applyPrometheus } from '../../../platforms/local/prometheus-service.ts'
import { checkQueries } from '../../../platforms/local/query-check.ts'
import { removeService } from '../../../platforms/local/supervisor.ts'
import { planOf } from '../../../rollout/plan-text.ts'
import type { Context, Props, ResourceType } from '../../protocol.ts'
import { mayDelete } from './deletion.ts'
import { whereDown } from './repair.ts'

/** The alarms: Prometheus with the rules of the plan's guardrails. */
export const alarms: ResourceType = {
  replaceOn: ['home'],
  diff: whereDown(() => 'prometheus'),
  async check(_ctx, _olds, news) {
    const layout = layoutOf(String(news['home']))
    const plan = planOf(news['plan'])
    const ports = portsOf(plan)
    await checkQueries(plan, ports.prometheus)
    return {
      inputs: {
        home: news['home'],
        ports,
        config: prometheusConfig(layout, ports, plan),
        rules: alertRulesText(plan, Number(news['clock'])),
      },
    }
  },
  async create(ctx, inputs) {
    await apply(ctx, inputs)
    return { id: ctx.name, outputs: inputs }
  },
  async update(ctx, _id, _olds, news) {
    await apply(ctx, news)
    return news
  },
  async delete(_ctx, _id, olds) {
    await mayDelete(String(olds['home']), 'all')
    await removeService(layoutOf(String(olds['home'])), 'prometheus')
  },
}

async function apply(ctx: Context, inputs: Props): Promise<void> {
  await applyPrometheus(layoutOf(String(inputs['home'])), {
    ports: inputs['ports'] as Ports,
    config: String(inputs['config']),
    rules: String(inputs['rules']),
    signal: ctx.signal,
  })
}
