import type { Judgement } from '../../rollout/judgement.ts'
import { compareSent, judgeSent, sentSince } from '../../rollout/outbox.ts'
import { judgeParity } from '../../rollout/parity.ts'
import type { ColourName, Gate } from '../../rollout/plan.ts'
import { noAnswer } from '../no-answer.ts'
import { newReplayId, replay } from '../replay.ts'
import { askColour, serviceOf } from './ask.ts'
import type { GateContext, GateKind } from './context.ts'

/** What is sent out behind an answer comes later than it: waited for until so long nothing came. */
const QUIET_MS = 1_000
/** Where users send without a pause, it ends all the same. */
const LONGEST_MS = 5_000
const LOOK_EVERY_MS = 100

type Outbox = NonNullable<Gate['outbox']>
type Lists = { blue: unknown[]; green: unknown[] }

/** The same requests to both colours; their answers, and what they sent out, must be alike. */
export const parity: GateKind = {
  running: 'replays its requests',
  traffic: false,
  async judge(context) {
    const { gate, plan, around, stopped } = context
    const { replay: file, group, services, ignore, identical, lag, outbox } = gate
    const id = newReplayId()
    const before = outbox && (await listsOf(context, outbox))
    const results = await replay(
      around,
      plan,
      { file: file as string, group, services, ignore, id, lagMs: lag },
      stopped,
    )
    const answers = judgeParity(results, identical)
    if (!outbox || !before || answers.result === 'failed') return answers
    const sent = await judgeOutbox(context, before, id)
    return {
      result: sent.result === 'failed' ? 'failed' : worse(answers.result, sent.result),
      reason: `${answers.reason}; ${sent.reason}`,
    }
  },
}

async function judgeOutbox(context: GateContext, before: Lists, id: string): Promise<Judgement> {
  const { gate, stopped } = context
  const begun = performance.now()
  let [last, lastAt] = [-1, begun]
  for (;;) {
    const after = await listsOf(context, gate.outbox as Outbox)
    const { blue, green } = sentSince(
      {
        blue: { before: before.blue, after: after.blue },
        green: { before: before.green, after: after.green },
      },
      id,
    )
    const now = performance.now()
    const came = blue.length + green.length
    if (came !== last) [last, lastAt] = [came, now]
    const over = now - lastAt >= QUIET_MS || now - begun >= LONGEST_MS
    if (over || stopped.aborted) {
      return judgeSent(blue.length, compareSent(blue, green, gate.ignore))
    }
    await new Promise((done) => setTimeout(done, LOOK_EVERY_MS))
  }
}

/** @throws Error where a recorder does not answer, or with no list */
async function listsOf(context: GateContext, outbox: Outbox): Promise<Lists> {
  const of = async (colour: ColourName) => {
    const own = typeof outbox === 'string'
    const urls = own ? await ownUrls(context, colour, outbox) : [outbox[colour]]
    const headers = (own && context.around.headersOf?.(colour)) || {}
    const lists = await Promise.all(urls.map((url) => listOf(url, headers, context.stopped)))
    return lists.flat()
  }
  const [blue, green] = await Promise.all([of('blue'), of('green')])
  return { blue, green }
}

/** Each process of a colour keeps what it sent out itself. */
async function ownUrls(
  { plan, around }: GateContext,
  colour: ColourName,
  path: string,
): Promise<string[]> {
  const service = serviceOf(plan, path)
  if (service === undefined) throw new Error(`no service of the plan has ${path} among its routes`)
  const urls = await around.urlsOf(plan, service, colour, path)
  if (urls.length === 0) throw new Error(`${colour} of ${service} has no address`)
  return urls
}

async function listOf(
  url: string,
  headers: Record<string, string>,
  stopped: AbortSignal,
): Promise<unknown[]> {
  const { status, body } = await askColour(url, { method: 'GET', headers }, stopped).catch(
    (error) => {
      throw new Error(`the recorder ${url} does not answer: ${noAnswer(error)}`)
    },
  )
  let list: unknown
  try {
    list = JSON.parse(body)
  } catch {
    list = undefined
  }
  if (status !== 200 || !Array.isArray(list)) {
    throw new Error(`the recorder ${url} gave status ${status} and no JSON list`)
  }
  return list
}

function worse(one: Judgement['result'], other: Judgement['result']): Judgement['result'] {
  return one === 'passed' ? other : one
}
