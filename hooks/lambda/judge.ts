import { setTimeout as pause } from 'node:timers/promises'
import { tickMs } from '../../platforms/aws/reference.ts'
import { formatSpan } from '../../rollout/duration.ts'
import type { Alarm } from '../../rollout/journal.ts'
import type { Guardrail } from '../../rollout/plan.ts'
import type { GateParts } from '../gates/judge.ts'
import { judgeGuardrail } from '../gates/judge-guardrail.ts'
import { Gates } from '../gates.ts'
import { dueNow, isJudgedHere } from './due.ts'
import { gateParts } from './gate-parts.ts'
import { hold, type LambdaParts, look } from './hook.ts'
import { type Judging, JudgingRecord } from './judging.ts'
import { putVerdicts } from './own-metrics.ts'

/** What it takes to record what came of it, before AWS ends the function. */
const MARGIN_MS = 15_000
/** So many of AWS' minutes its word holds that it judges; it gives it anew each minute. */
const HOLDS_TICKS = 3
/** How often it looks whether what it judges still stands, of AWS' minute. */
const LOOKS_IN_A_TICK = 10

export interface JudgeArgs {
  /** What the event says: see {@link JudgingRecord}. */
  id: string
  /** How long this call may take before AWS ends it. */
  remainingMs: number
  act(alarm: Alarm): Promise<object>
}

/**
 * Judges what is due, as the hook does on every platform: gates one after the other, and beside them
 * the guardrails that are a gate. An event that comes twice is judged once.
 */
export async function judge(parts: LambdaParts, { id, remainingMs, act }: JudgeArgs) {
  const record = new JudgingRecord(parts)
  const asked = await record.read()
  const nothing = { did: 'nothing', why: 'this is judged already, or is no more to be' }
  if (asked?.id !== id || asked.state !== 'asked') return nothing
  const tick = tickMs(parts.reference)
  const until = () => new Date(Date.now() + tick * HOLDS_TICKS).toISOString()
  const begun: Judging = { ...asked, state: 'begun', until: until() }
  if (!(await record.write(begun))) return nothing
  const over = new AbortController()
  const holding = setInterval(() => {
    // Whoever does not get to say so in time is taken for dead, and another judges in its place.
    const saying = record.write({ ...begun, until: until() })
    void saying.then((held) => held || over.abort()).catch(() => {})
  }, tick)
  try {
    await look(parts)
    await judgeAll(parts, begun, { remainingMs, act, over })
    return { did: 'judged' }
  } finally {
    clearInterval(holding)
    await record.write({ ...begun, state: 'done' })
  }
}

async function judgeAll(
  parts: LambdaParts,
  begun: Judging,
  { remainingMs, act, over }: Omit<JudgeArgs, 'id'> & { over: AbortController },
): Promise<void> {
  const { world, operations, reference } = parts
  const common = gateParts(parts)
  const gates = new Gates({
    ...common,
    judges: isJudgedHere,
    operations: {
      recordVerdict: (verdict) => operations.recordVerdict(verdict),
      trip: async (cause) => {
        const tripped = await operations.trip(cause)
        await hold(parts)
        return tripped
      },
    },
  })
  over.signal.addEventListener('abort', () => gates.stop(), { once: true })
  const limit = setTimeout(
    () => {
      gates.cutOff(`cut off at the function's time limit, ${formatSpan(remainingMs)}`)
      over.abort()
    },
    Math.max(0, remainingMs - MARGIN_MS),
  )
  let working = true
  const judging = gates.consider().finally(() => {
    working = false
  })
  // What ends the loop first is what is thrown.
  judging.catch(() => {})
  try {
    for (;;) {
      const due = dueNow(world, begun.guardrails, new Date(), { tickMs: tickMs(reference) })
      for (const name of due.guardrails) {
        begun.guardrails[name] = new Date().toISOString()
        await judgeOne(parts, common, name, { stopped: over.signal, act })
      }
      if (!working || over.signal.aborted) break
      await Promise.race([judging, pause(tickMs(reference) / LOOKS_IN_A_TICK)])
      if (!working) continue
      await look(parts)
      // Ends what a move or a rollback has made worthless.
      await gates.consider()
    }
    await judging
  } finally {
    clearTimeout(limit)
    gates.stop()
  }
}

/** One guardrail: what takes green back does so at once, the rest comes by its alarm. */
async function judgeOne(
  parts: LambdaParts,
  common: GateParts,
  name: string,
  { stopped, act }: { stopped: AbortSignal; act: JudgeArgs['act'] },
): Promise<void> {
  const guardrail = parts.charge.plan.guardrails[name] as Guardrail
  const outcome = await judgeGuardrail(common, name, guardrail, stopped)
  if (!outcome || stopped.aborted) return
  for (const alarm of outcome.failed) if (alarm.then === 'rollback') await act(alarm)
  const failed = outcome.failed.map(({ service }) => service)
  await putVerdicts(parts, name, { failed, passed: outcome.passed })
}
