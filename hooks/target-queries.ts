import type { Plan } from '../rollout/plan.ts'
import type { QueryNumbers, TargetQueries } from '../rollout/targets.ts'

/**
 * Asks the queries of a plan's targets, all at once.
 * @param ask gives the one number of a query, undefined where there is none; does not throw
 */
export async function askTargets(
  plan: Plan,
  ask: (query: string) => Promise<number | undefined>,
): Promise<Required<TargetQueries>> {
  const numbers = async (field: 'query' | 'blue'): Promise<QueryNumbers> => {
    const asked = Object.entries(plan.report.targets).map(async ([name, { [field]: query }]) => {
      return [name, query === undefined ? undefined : await ask(query)] as const
    })
    return Object.fromEntries(await Promise.all(asked))
  }
  const [queries, blueQueries] = await Promise.all([numbers('query'), numbers('blue')])
  return { queries, blueQueries }
}
