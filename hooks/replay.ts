import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HttpRequest, parseHttpFile, requestsOf } from '../rollout/http-file.ts'
import { type Answer, type Comparison, compareAnswers } from '../rollout/parity.ts'
import type { ColourName, Plan } from '../rollout/plan.ts'
import { askColour, inTurn, serviceOf } from './gates/ask.ts'
import { noAnswer } from './no-answer.ts'
import type { Surroundings } from './surroundings.ts'

/** Which requests, and of what in their answers nothing is held. */
export interface Replay {
  /** Relative to the project, which is where the hook runs. */
  file: string
  group?: string
  /** Only the requests that belong to these services. */
  services?: readonly string[]
  ignore: readonly string[]
  /** What the requests say that they are, in the header x-sluice-replay. */
  id: string
  /** By how much one side may be behind: a read that differs is asked again until then. */
  lagMs?: number
}

/** Those that change nothing, so that they may be asked again. */
const READS = ['GET', 'HEAD']
const ASK_AGAIN_MS = 250

/** A name for one replay; recorders tell by it what was sent out because of it. */
export function newReplayId(): string {
  return randomBytes(8).toString('hex')
}

/**
 * Sends each request of a `.http` file to both colours directly, one after the other, and compares
 * the answers.
 * @throws Error when the file cannot be read, or is wrong
 */
export async function replay(
  around: Pick<Surroundings, 'urlsOf' | 'headersOf' | 'readFile'>,
  plan: Plan,
  { file, group, services, ignore, id, lagMs = 0 }: Replay,
  stopped: AbortSignal,
): Promise<Comparison[]> {
  const all = parseHttpFile(await around.readFile(file), file)
  const requests = requestsOf(all, group, file)
  const results: Comparison[] = []
  for (const [turn, request] of requests.entries()) {
    if (stopped.aborted) break
    const service = serviceOf(plan, request.path)
    if (services && service !== undefined && !services.includes(service)) continue
    const end = performance.now() + (READS.includes(request.method) ? lagMs : 0)
    for (;;) {
      const urls = async (colour: ColourName) =>
        service === undefined ? [] : around.urlsOf(plan, service, colour, request.path)
      const to = async (colour: ColourName) => ({
        url: inTurn(await urls(colour), turn),
        headers: around.headersOf?.(colour),
      })
      const result = await compareOnce(to, service, request, { ignore, id }, stopped)
      if (result.differences.length === 0 || performance.now() >= end || stopped.aborted) {
        results.push(result)
        break
      }
      await sleep(ASK_AGAIN_MS)
    }
  }
  return results
}

async function compareOnce(
  to: (colour: ColourName) => Promise<{ url?: string; headers?: Record<string, string> }>,
  service: string | undefined,
  request: HttpRequest,
  { ignore, id }: Pick<Replay, 'ignore' | 'id'>,
  stopped: AbortSignal,
): Promise<Comparison> {
  const open = (error: string): Comparison => ({ request: request.name, differences: [], error })
  if (service === undefined)
    return open(`no service of the plan has ${request.path} among its routes`)
  const answers: Answer[] = []
  for (const colour of ['blue', 'green'] as const) {
    // One process may answer for both; it knows by this which of them is asked.
    try {
      const { url, headers: own } = await to(colour)
      if (url === undefined) return open(`${colour} has no address`)
      const headers = {
        ...request.headers,
        ...own,
        'x-sluice-replay': id,
        'x-sluice-color': colour,
      }
      const { status, contentType, body } = await askColour(url, { ...request, headers }, stopped)
      answers.push({ status, headers: { 'content-type': contentType }, body })
    } catch (error) {
      return open(`${colour}: ${noAnswer(error)}`)
    }
  }
  const [blue, green] = answers as [Answer, Answer]
  return { request: request.name, differences: compareAnswers(blue, green, ignore) }
}
