import type { CloudWatchClient, GetMetricDataCommandInput } from '@aws-sdk/client-cloudwatch'
import { expect, it } from 'vitest'
import { measureGroup } from '../../../platforms/aws/measure.ts'

const group = { targetGroup: 'targetgroup/green/1', loadBalancer: 'app/shop/1' }
const at = (ms: number) => new Date(Date.UTC(2026, 4, 1, 12) + ms)

/** What CloudWatch is asked for of a time; it has nothing. */
async function asked(from: Date, to: Date) {
  const inputs: GetMetricDataCommandInput[] = []
  const cloudwatch = {
    send: async ({ input }: { input: GetMetricDataCommandInput }) => {
      inputs.push(input)
      return { MetricDataResults: [] }
    },
  } as unknown as CloudWatchClient
  const measurement = await measureGroup(cloudwatch, group, from, to, 60)
  const periods = inputs.flatMap(({ MetricDataQueries = [] }) =>
    MetricDataQueries.map(({ MetricStat }) => MetricStat?.Period),
  )
  return { measurement, periods }
}

it.each([
  ['that is empty', at(500), at(500)],
  ['that begins after its end, as where a move is written meanwhile', at(1_500), at(500)],
])('nobody is asked for a time %s, and nothing was answered in it', async (_what, from, to) => {
  expect(await asked(from, to)).toEqual({ measurement: { requests: 0, errors: 0 }, periods: [] })
})

it('a moment is a whole period, and a long time no more of them than CloudWatch gives', async () => {
  expect(new Set((await asked(at(499), at(500))).periods)).toEqual(new Set([60]))
  const [counted, , , quantile] = (await asked(at(0), at(10 * 86_400_000))).periods
  expect([counted, quantile]).toEqual([600, 86_400])
})
