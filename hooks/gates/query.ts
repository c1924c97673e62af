import { z } from 'zod'
import type { QueryValue } from '../../rollout/steady.ts'
import { noAnswer } from '../no-answer.ts'

const TIMEOUT_MS = 5_000

/** What a problem begins with where Prometheus answered, and had nothing. */
export const NO_DATA = 'no data'

const sample = z.tuple([z.number(), z.string()])
const answer = z.discriminatedUnion('status', [
  z.object({ status: z.literal('error'), error: z.string() }),
  z.object({
    status: z.literal('success'),
    data: z.discriminatedUnion('resultType', [
      z.object({ resultType: z.literal('scalar'), result: sample }),
      z.object({
        resultType: z.literal('vector'),
        result: z.array(z.object({ value: sample.optional() })),
      }),
      z.object({ resultType: z.literal('matrix') }),
      z.object({ resultType: z.literal('string') }),
    ]),
  }),
])

/**
 * Asks Prometheus for one number:
 * https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
 * Never throws: no data, NaN and several series are problems, in words.
 */
export async function askOne(
  prometheus: string,
  query: string,
  stopped: AbortSignal,
): Promise<QueryValue> {
  let body: unknown
  try {
    const response = await fetch(`${prometheus}/api/v1/query`, {
      method: 'POST',
      body: new URLSearchParams({ query }),
      headers: { connection: 'close' },
      signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), stopped]),
    })
    body = await response.json()
  } catch (error) {
    return { problem: `Prometheus does not answer: ${noAnswer(error)}` }
  }
  const parsed = answer.safeParse(body)
  if (!parsed.success) return { problem: 'what answers is not the API of Prometheus' }
  if (parsed.data.status === 'error') return { problem: `Prometheus: ${parsed.data.error}` }
  return oneOf(parsed.data.data, query)
}

type Data = Extract<z.output<typeof answer>, { status: 'success' }>['data']

function oneOf(data: Data, query: string): QueryValue {
  if (data.resultType === 'matrix' || data.resultType === 'string') {
    return { problem: `gives a ${data.resultType} and not one number: ${query}` }
  }
  const values =
    data.resultType === 'scalar' ? [data.result[1]] : data.result.map(({ value }) => value?.[1])
  if (values.length > 1) {
    return { problem: `gives ${values.length} series and not one; sum or select: ${query}` }
  }
  const [text] = values
  if (text === undefined) return { problem: `${NO_DATA}: the query gives nothing: ${query}` }
  // Infinity comes as +Inf or -Inf, and is as little a measured value as NaN is.
  const value = Number(text)
  return Number.isFinite(value) ? { value } : { problem: `gives ${text}, no number: ${query}` }
}

/** A label's value, as PromQL reads it: JSON's escapes. */
export function quoteLabel(text: string): string {
  return JSON.stringify(text)
}
