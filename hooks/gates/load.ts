import { Agent, type IncomingMessage, request as sendPlain } from 'node:http'
import { Agent as SecureAgent, request as sendSecure } from 'node:https'
import { parseHttpFile } from '../../rollout/http-file.ts'
import { type Judgement, together } from '../../rollout/judgement.ts'
import {
  judgeLoad,
  type LoadGate,
  type LoadPlan,
  type LoadResult,
  planLoad,
} from '../../rollout/load.ts'
import { colourOf } from '../../rollout/services.ts'
import { serviceOf } from './ask.ts'
import type { GateContext, GateKind } from './context.ts'

const TICK_MS = 10
const TIMEOUT_MS = 10_000
/** More without an answer than this, and what is due counts as an error: green does not keep up. */
const MOST_OPEN = 512

interface Target {
  url: string
  method: string
  headers: Record<string, string>
  body?: string
}

/** More load than blue was seen to have, sent to green past the router. */
export const load: GateKind = {
  running: 'sends its load',
  traffic: false,
  async judge(context) {
    const { plan, gate, journal, clock, stopped } = context
    const asked = gate.load as LoadGate
    const judgements: [string, Judgement][] = []
    for (const service of context.services) {
      if (stopped.aborted) break
      const blue = journal.baselines[service]
      const found = plan.services[service]
      if (found && colourOf(found, 'blue') && blue?.rate === undefined) {
        const reason = `the rate of blue is not recorded yet, so ${asked.times} times of it is not known`
        judgements.push([service, { result: 'inconclusive', reason }])
        continue
      }
      const targets = await targetsOf(context, service)
      if (targets.length === 0) {
        const reason = `no request of it goes to green of ${service}`
        judgements.push([service, { result: 'inconclusive', reason }])
        continue
      }
      const planned = planLoad(asked, blue?.rate, clock)
      const result = await sendLoad(targets, planned, stopped)
      judgements.push([service, judgeLoad(asked, planned, result)])
    }
    return together(judgements)
  },
}

async function targetsOf({ plan, gate, around }: GateContext, service: string): Promise<Target[]> {
  const file = gate.load?.requests
  const requests =
    file === undefined
      ? [{ path: plan.services[service]?.health ?? '/', method: 'GET', headers: {} }]
      : parseHttpFile(await around.readFile(file), file).filter(
          ({ path }) => serviceOf(plan, path) === service,
        )
  const targets = await Promise.all(
    requests.map(async ({ path, ...request }) => {
      const urls = await around.urlsOf(plan, service, 'green', path)
      const headers = { ...request.headers, ...around.headersOf?.('green') }
      return urls.map((url) => ({ ...request, headers, url }))
    }),
  )
  return targets.flat()
}

/**
 * Sends so many requests a second, each at the moment when it is due, whether or not earlier ones
 * have been answered. Ends when all are answered, or at once when it is stopped.
 */
export async function sendLoad(
  targets: readonly Target[],
  { rate, requests }: LoadPlan,
  stopped: AbortSignal,
): Promise<LoadResult> {
  const kept = { keepAlive: true, maxSockets: MOST_OPEN }
  const agents = { plain: new Agent(kept), secure: new SecureAgent(kept) }
  const seconds: number[] = []
  let [sent, errors, open] = [0, 0, 0]
  const started = performance.now()
  const answers: Promise<void>[] = []
  const sendOne = (dueAt: number) => {
    const target = targets[sent % targets.length] as Target
    sent++
    if (open >= MOST_OPEN) {
      errors++
      return
    }
    open++
    answers.push(
      ask(target, agents, stopped).then((ok) => {
        open--
        if (!ok) errors++
        if (ok !== undefined) seconds.push((performance.now() - dueAt) / 1_000)
      }),
    )
  }
  await new Promise<void>((done) => {
    const end = () => {
      clearInterval(timer)
      stopped.removeEventListener('abort', end)
      done()
    }
    const timer = setInterval(() => {
      const due = Math.min(requests, Math.floor(((performance.now() - started) * rate) / 1_000) + 1)
      while (sent < due) sendOne(started + (sent * 1_000) / rate)
      if (sent >= requests) end()
    }, TICK_MS)
    stopped.addEventListener('abort', end, { once: true })
    if (stopped.aborted) end()
  })
  await Promise.all(answers)
  agents.plain.destroy()
  agents.secure.destroy()
  return { requests: sent, errors, seconds, tookMs: performance.now() - started }
}

/** True for an answer below 500, false for one above, undefined for none. */
function ask(
  target: Target,
  agents: { plain: Agent; secure: SecureAgent },
  stopped: AbortSignal,
): Promise<boolean | undefined> {
  const { url, method, headers, body } = target
  const secure = url.startsWith('https:')
  const [send, agent] = secure ? [sendSecure, agents.secure] : [sendPlain, agents.plain]
  return new Promise((done) => {
    const request = send(
      url,
      { method, headers, agent, timeout: TIMEOUT_MS, signal: stopped },
      (response: IncomingMessage) => {
        response.on('error', () => done(undefined))
        response.on('end', () => done((response.statusCode ?? 500) < 500))
        response.resume()
      },
    )
    request.on('timeout', () => request.destroy())
    request.on('error', () => done(undefined))
    request.on('close', () => done(undefined))
    request.end(body)
  })
}
