import type { Measurement } from '../../rollout/journal.ts'
import { type Judgement, together } from '../../rollout/judgement.ts'
import { judgeQuery, judgeSteady } from '../../rollout/steady.ts'
import { bakedMs, type GateContext, type GateKind } from './context.ts'

const BLUE_WINDOW_MS = 60_000

/** A metric of green over the whole bake, service by service. */
export const steady: GateKind = {
  traffic: true,
  async judge(context) {
    const judgements: [string, Judgement][] = []
    for (const service of context.services) {
      const references = {
        baseline: context.journal.baselines[service],
        blue: await context.measure(service, 'blue', BLUE_WINDOW_MS),
        weight: context.weightOf(service),
      }
      const green = overBake(context, service)
      const { minimumRequests } = context.plan
      judgements.push([service, judgeSteady(context.gate, green, references, minimumRequests)])
    }
    return together(judgements)
  },
}

/** One number at the end of the bake. */
export const query: GateKind = {
  traffic: false,
  async judge({ gate, ask }) {
    return judgeQuery(gate, await ask(gate.query as string))
  },
}

/** Green's answers over the bake; its throughput is its own, without what blue answered beside it. */
function overBake(context: GateContext, service: string): Measurement | undefined {
  const green = context.bakeOf(service)
  const ms = bakedMs(context)
  if (!green || context.gate.metric !== 'throughput' || ms <= 0) return green
  return { ...green, rate: (green.requests / ms) * 1_000 }
}
