import { judgeExperiment, type Trials } from '../../rollout/experiment.ts'
import { type Judgement, together } from '../../rollout/judgement.ts'
import type { ColourName, Gate } from '../../rollout/plan.ts'
import type { GateContext, GateKind } from './context.ts'
import { askOne, NO_DATA, quoteLabel } from './query.ts'

type Experiment = NonNullable<Gate['experiment']>

/** Green's share of successes against blue's, since the position was reached. */
export const experiment: GateKind = {
  traffic: true,
  async judge(context) {
    const { gate, plan } = context
    const asked = gate.experiment as Experiment
    const judgements: [string, Judgement][] = []
    for (const service of context.services) {
      const green = await trialsOf(context, asked, service, 'green')
      const blue = await trialsOf(context, asked, service, 'blue')
      const problem = 'problem' in green ? green.problem : 'problem' in blue ? blue.problem : ''
      const judgement: Judgement =
        'problem' in green || 'problem' in blue
          ? { result: 'inconclusive', reason: problem }
          : judgeExperiment(green, blue, asked, plan.minimumRequests)
      judgements.push([service, judgement])
    }
    return together(judgements)
  },
}

/** A restart of the process begins its counters at 0 again: `increase` counts on over it. */
async function trialsOf(
  { prometheus, journal, settleMs, stopped }: GateContext,
  { successes, trials }: Experiment,
  service: string,
  colour: ColourName,
): Promise<Trials | { problem: string }> {
  const begun = Date.parse(journal.verified.at) + settleMs
  const since = Math.max(1, Math.round(Date.now() - begun))
  const grown = (name: string) => {
    const series = `${name}{service=${quoteLabel(service)},color="${colour}"}`
    return askOne(prometheus, `sum(increase(${series}[${since}ms]))`, stopped)
  }
  const [all, good] = [await grown(trials), await grown(successes)]
  if ('problem' in all) return { problem: `${colour}: ${all.problem}` }
  // A counter that has not counted yet need not be there: nothing has succeeded.
  if ('problem' in good && !good.problem.startsWith(NO_DATA)) {
    return { problem: `${colour}: ${good.problem}` }
  }
  return { successes: 'value' in good ? good.value : 0, trials: all.value }
}
