import { randomUUID } from 'node:crypto'
import { InvokeCommand } from '@aws-sdk/client-lambda'
import { call } from '../../platforms/aws/failures.ts'
import { tickMs } from '../../platforms/aws/reference.ts'
import { dueNow, isJudgedHere } from './due.ts'
import { judgeEvent } from './event.ts'
import type { LambdaParts } from './hook.ts'
import { isJudging, JudgingRecord } from './judging.ts'

/** A call that has not begun within so many of the reconciler's runs is lost: another is asked for. */
const BEGINS_WITHIN = 5

/**
 * Has gates judged that are due: by a call of the function of its own, as a gate may take minutes,
 * and one at a time.
 * @throws Unavailable where the call could not be made; the next run tries again
 */
export async function askToJudge(parts: LambdaParts): Promise<void> {
  const { world, clients, layout, reference } = parts
  const now = new Date()
  const record = new JudgingRecord(parts)
  const before = await record.read()
  if (isJudging(before, now)) return
  if (before?.state === 'begun') await recordCutOff(parts)
  const guardrails = before?.guardrails ?? {}
  const tick = tickMs(reference)
  const due = dueNow(world, guardrails, now, { tickMs: tick, slackMs: tick / 2 })
  if (due.gates.length === 0 && due.guardrails.length === 0) return
  const id = randomUUID()
  const until = new Date(now.getTime() + tick * BEGINS_WITHIN).toISOString()
  // Whoever loses here has been overtaken by another run, which asks in its place.
  if (!(await record.write({ id, state: 'asked', until, guardrails }))) return
  await call(
    `lambda:InvokeFunction ${layout.hook}`,
    clients.functions.send(
      new InvokeCommand({
        FunctionName: layout.hook,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify(judgeEvent(id))),
      }),
    ),
  )
}

/** A call that ended with no word leaves its gates as running: what it did not finish is no pass. */
async function recordCutOff({ world, charge, operations }: LambdaParts): Promise<void> {
  const { journal } = world
  if (!journal) return
  for (const verdict of journal.verdicts) {
    if (verdict.result !== 'running' || !isJudgedHere(charge.plan.gates[verdict.gate])) continue
    const reason = 'the function ended before it was judged'
    const at = new Date().toISOString()
    await operations.recordVerdict({ ...verdict, result: 'inconclusive', reason, at })
  }
}
