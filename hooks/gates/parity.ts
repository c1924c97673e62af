import type { Judgement } from '../../rollout/judgement.ts'
import { compareSent, judgeSent, sentSince } from '../../rollout/outbox.ts'
import { judgeParity } from '../../rollout/parity.ts'
import { noAnswer } from '../no-answer.ts'
import { newReplayId, replay } from '../replay.ts'
import { askColour } from './ask.ts'
import type { GateContext, GateKind } from './context.ts'

/** What is sent out behind an answer comes later than it: waited for until so long nothing came. */
const QUIET_MS = 1_000
/** Where users send without a pause, it ends all the same. */
const LONGEST_MS = 5_000
const LOOK_EVERY_MS = 100

type Lists = { blue: unknown[]; green: unknown[] }

/** The same requests to both colours; their answers, and what they sent out, must be alike. */
export const parity: GateKind = {
  running: 'replays its requests',
  traffic: false,
  async judge(context) {
    const { gate, plan, stopped } = context
    const { replay: file, group, services, ignore, identical, lag, outbox } = gate
    const id = newReplayId()
    const before = outbox && (await listsOf(outbox, stopped))
    const results = await replay(
      plan,
      { file: file as string, group, services, ignore, id, lagMs: lag, reach: context.reach },
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

async function judgeOutbox(
  { gate, stopped }: GateContext,
  before: Lists,
  id: string,
): Promise<Judgement> {
  const begun = performance.now()
  let [last, lastAt] = [-1, begun]
  for (;;) {
    const after = await listsOf(gate.outbox as { blue: string; green: string }, stopped)
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
async function listsOf(
  outbox: { blue: string; green: string },
  stopped: AbortSignal,
): Promise<Lists> {
  const [blue, green] = await Promise.all([
    listOf(outbox.blue, stopped),
    listOf(outbox.green, stopped),
  ])
  return { blue, green }
}

async function listOf(url: string, stopped: AbortSignal): Promise<unknown[]> {
  const { status, body } = await askColour(url, { method: 'GET', headers: {} }, stopped).catch(
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
