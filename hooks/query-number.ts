import { z } from 'zod'

const sample = z.tuple([z.number(), z.string()])
const answer = z.object({
  status: z.literal('success'),
  data: z.discriminatedUnion('resultType', [
    z.object({ resultType: z.literal('scalar'), result: sample }),
    z.object({
      resultType: z.literal('vector'),
      result: z.array(z.object({ value: sample })),
    }),
  ]),
})

/**
 * Asks Prometheus for one number:
 * https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 * @returns undefined where nothing was measured, or what was is no number
 * @throws where Prometheus does not answer, the query is wrong, or gives more than one number
 */
export async function queryNumber(port: number, query: string): Promise<number | undefined> {
  const response = await fetch(
    `http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query })}`,
    { signal: AbortSignal.timeout(5_000), headers: { connection: 'close' } },
  )
  const body: unknown = await response.json().catch(() => undefined)
  const parsed = answer.safeParse(body)
  if (!parsed.success) {
    const { error } = (body ?? {}) as { error?: string }
    throw new Error(`Prometheus answered ${response.status} to ${query}: ${error ?? 'no number'}`)
  }
  const { data } = parsed.data
  if (data.resultType === 'scalar') return finite(data.result[1])
  if (data.result.length > 1) {
    throw new Error(`${query} gives ${data.result.length} series and not one; sum or select`)
  }
  const [first] = data.result
  return first && finite(first.value[1])
}

function finite(text: string): number | undefined {
  const value = Number(text)
  return Number.isFinite(value) ? value : undefined
}
