import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type HttpRequest, parseHttpFile } from '../rollout/http-file.ts'
import { type Answer, type Comparison, compareAnswers } from '../rollout/parity.ts'
import type { Plan } from '../rollout/plan.ts'
import { urlOf } from '../rollout/services.ts'

const TIMEOUT_MS = 10_000
const LONGEST_BODY = 10_000_000

/**
 * Sends each request of a `.http` file to both colours directly, one after the other, and compares
 * the answers.
 * @param file relative to the project, which is where the hook runs
 * @throws Error when the file cannot be read, or is wrong
 */
export async function replay(
  plan: Plan,
  file: string,
  ignore: readonly string[],
  stopped: AbortSignal,
): Promise<Comparison[]> {
  const requests = parseHttpFile(await readFile(resolve(file), 'utf8'), file)
  const results: Comparison[] = []
  for (const request of requests) {
    if (stopped.aborted) break
    results.push(await compareOnce(plan, request, ignore, stopped))
  }
  return results
}

/** The service that a path belongs to: the one with the longest prefix. */
export function serviceOf(plan: Plan, path: string): string | undefined {
  const bare = path.split('?')[0] as string
  let found: { service: string; length: number } | undefined
  for (const [service, { routes }] of Object.entries(plan.services)) {
    for (const route of routes) {
      const belongs = bare === route || bare.startsWith(route.endsWith('/') ? route : `${route}/`)
      if (belongs && route.length > (found?.length ?? -1)) found = { service, length: route.length }
    }
  }
  return found?.service
}

async function compareOnce(
  plan: Plan,
  request: HttpRequest,
  ignore: readonly string[],
  stopped: AbortSignal,
): Promise<Comparison> {
  const service = serviceOf(plan, request.path)
  const open = (error: string): Comparison => ({ request: request.name, differences: [], error })
  if (service === undefined)
    return open(`no service of the plan has ${request.path} among its routes`)
  const answers: Answer[] = []
  for (const colour of ['blue', 'green'] as const) {
    const url = urlOf(plan, service, colour, request.path)
    if (url === undefined) return open(`${colour} has no address`)
    try {
      answers.push(await ask(url, request, stopped))
    } catch (error) {
      const code = (error as { cause?: { code?: string } }).cause?.code
      return open(`${colour}: ${code ?? (error as Error).message}`)
    }
  }
  const [blue, green] = answers as [Answer, Answer]
  return { request: request.name, differences: compareAnswers(blue, green, ignore) }
}

async function ask(url: string, request: HttpRequest, stopped: AbortSignal): Promise<Answer> {
  const response = await fetch(url, {
    method: request.method,
    headers: request.headers,
    body: request.body,
    redirect: 'manual',
    signal: AbortSignal.any([AbortSignal.timeout(TIMEOUT_MS), stopped]),
  })
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of response.body ?? []) {
    length += chunk.length
    if (length > LONGEST_BODY) throw new Error(`an answer of more than ${LONGEST_BODY} bytes`)
    chunks.push(chunk)
  }
  return {
    status: response.status,
    headers: { 'content-type': response.headers.get('content-type') ?? undefined },
    body: Buffer.concat(chunks).toString('utf8'),
  }
}
