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

async function trialsOf(
  { prometheus, journal, settleMs, stopped }: GateContext,
  { successes, trials }: Experiment,
  service: string,
  colour: ColourName,
): Promise<Trials | { problem: string }> {
  // Prometheus takes whole milliseconds only, and an accelerated clock gives others.
  const begun = Date.parse(journal.verified.at) + Math.round(settleMs)
  const now = Math.max(begun + 1, Date.now())
  const grown = (name: string) => {
    const series = `${name}{service=${quoteLabel(service)},color="${colour}"}`
    return askOne(prometheus, grownSince(series, begun, now), stopped)
  }
  const [all, good] = [await grown(trials), await grown(successes)]
  if ('problem' in all) return { problem: `${colour}: ${all.problem}` }
  // A counter that has not counted yet need not be there: nothing has succeeded.
  if ('problem' in good && !good.problem.startsWith(NO_DATA)) {
    return { problem: `${colour}: ${good.problem}` }
  }
  return { successes: 'value' in good ? good.value : 0, trials: all.value }
}

/**
 * By how much counters have grown. The last sample less the one at the beginning, and one that was
 * not there then began at 0: both counters of one service are read in one scrape, so what is counted
 * of them belongs together. `increase` would extrapolate, and by less for a counter that is near 0,
 * so it stands in only where a restart began a counter anew.
 * @param begun ms since 1970, as `now`
 */
function grownSince(series: string, begun: number, now: number): string {
  const range = `${series}[${now - begun}ms]`
  const last = `last_over_time(${range})`
  const exact = `(${last} - (${series} @ ${begun / 1_000} or 0 * ${last}))`
  return `sum((${exact} unless resets(${range}) > 0) or increase(${range}))`
}
