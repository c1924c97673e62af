import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type HttpRequest, parseHttpFile, requestsOf } from '../rollout/http-file.ts'
import { type Answer, type Comparison, compareAnswers } from '../rollout/parity.ts'
import type { Plan } from '../rollout/plan.ts'
import { askColour, serviceOf } from './gates/ask.ts'
import { noAnswer } from './no-answer.ts'
import { type Reach, reachDirectly } from './reach.ts'

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
  /** Default: each colour at an address of its own. */
  reach?: Reach
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
  plan: Plan,
  { file, group, services, ignore, id, lagMs = 0, reach = reachDirectly }: Replay,
  stopped: AbortSignal,
): Promise<Comparison[]> {
  const all = parseHttpFile(await readFile(resolve(file), 'utf8'), file)
  const requests = requestsOf(all, group, file)
  const results: Comparison[] = []
  for (const request of requests) {
    if (stopped.aborted) break
    const service = serviceOf(plan, request.path)
    if (services && service !== undefined && !services.includes(service)) continue
    const end = performance.now() + (READS.includes(request.method) ? lagMs : 0)
    for (;;) {
      const result = await compareOnce(plan, service, request, { ignore, id, reach }, stopped)
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
  plan: Plan,
  service: string | undefined,
  request: HttpRequest,
  { ignore, id, reach }: Required<Pick<Replay, 'ignore' | 'id' | 'reach'>>,
  stopped: AbortSignal,
): Promise<Comparison> {
  const open = (error: string): Comparison => ({ request: request.name, differences: [], error })
  if (service === undefined)
    return open(`no service of the plan has ${request.path} among its routes`)
  const answers: Answer[] = []
  for (const colour of ['blue', 'green'] as const) {
    const reached = reach(plan, service, colour, request.path)
    if (!reached) return open(`${colour} has no address`)
    // One process may answer for both; it knows by this which of them is asked.
    const headers = {
      ...request.headers,
      ...reached.headers,
      'x-sluice-replay': id,
      'x-sluice-color': colour,
    }
    try {
      const { status, contentType, body } = await askColour(
        reached.url,
        { ...request, headers },
        stopped,
      )
      answers.push({ status, headers: { 'content-type': contentType }, body })
    } catch (error) {
      return open(`${colour}: ${noAnswer(error)}`)
    }
  }
  const [blue, green] = answers as [Answer, Answer]
  return { request: request.name, differences: compareAnswers(blue, green, ignore) }
}
