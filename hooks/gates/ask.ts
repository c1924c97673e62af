import type { Plan } from '../../rollout/plan.ts'

const TIMEOUT_MS = 10_000
const LONGEST_BODY = 10_000_000

/** A request to a colour, past the router. */
export interface Asked {
  method: string
  headers: Record<string, string>
  body?: string
}

export interface Answered {
  status: number
  contentType?: string
  body: string
}

/**
 * Asks a colour directly; redirects are answers.
 * @throws Error where no whole answer comes
 */
export async function askColour(
  url: string,
  { method, headers, body }: Asked,
  stopped: AbortSignal,
): Promise<Answered> {
  const response = await fetch(url, {
    method,
    headers,
    body,
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
    contentType: response.headers.get('content-type') ?? undefined,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

/**
 * One of the processes of a colour, each in its turn.
 * @returns undefined where it has none
 */
export function inTurn(urls: readonly string[], turn: number): string | undefined {
  return urls[turn % urls.length]
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
