import { readAlarms } from '../../platforms/aws/alarm-states.ts'
import {
  guardOf,
  type Heartbeat,
  readHeartbeat,
  writeHeartbeat,
} from '../../platforms/aws/heartbeat.ts'
import { measureService } from '../../platforms/aws/measure.ts'
import { tickMs } from '../../platforms/aws/reference.ts'
import { messageOf } from '../../platforms/operations/outcomes.ts'
import { Corrupt } from '../../platforms/platform.ts'
import { isUnstable } from '../../rollout/descent.ts'
import type { Alarm, Journal, Measurement } from '../../rollout/journal.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { anyGreen } from '../../rollout/weights.ts'
import { askToJudge } from './ask-to-judge.ts'
import { type LambdaParts, log, look } from './hook.ts'
import { beatMetrics } from './own-metrics.ts'
import { counted } from './progress.ts'
import { bringWorkOn } from './work.ts'

/**
 * What runs every minute, whoever else was called or was not: keeps the latch, acts on alarms whose
 * call was lost, counts the bake, has the gates judged, and says that it did.
 */
export async function reconcile(
  parts: LambdaParts,
  { act }: { act(alarm: Alarm): Promise<object> },
): Promise<object> {
  const { reference, charge, clients, store, operations, world } = parts
  const now = new Date()
  const before = await readHeartbeat(clients.parameters, reference.name).catch(() => undefined)
  await operations.setPlan(charge.plan, charge.planHash, charge.clock)
  await look(parts)
  const known = await keepLatch(parts)
  const alarms = await readAlarms(clients.metrics, reference.name, charge.plan).catch(
    (error: unknown) => ({ active: [], trouble: messageOf(error) }),
  )
  await tellOfAbsence(parts, before, now)
  for (const alarm of alarms.active) if (alarm.then === 'rollback') await act(alarm)
  if (world.latch?.descent) {
    await operations.descend(charge.clock, isUnstable(world.latch, alarms.active, now))
  }
  await operations.measure()
  if (world.journal) {
    await progress(parts, known && alarms.trouble === undefined ? before : undefined, now)
    await askToJudge(parts).catch((error: unknown) => {
      log('critical', `gates are not judged: ${messageOf(error)}`)
    })
    await bringWorkOn(parts, alarms.active, now)
  }
  const { trouble } = alarms
  await writeHeartbeat(clients.parameters, reference.name, {
    at: now.toISOString(),
    planHash: charge.planHash,
    clock: charge.clock,
    environment: charge.environment,
    plan: charge.plan,
    ...(trouble === undefined ? {} : { trouble }),
  })
  await beatMetrics(parts, world.journal)
  await store.pruneEvents().catch((error: Error) => log('warning', error.message))
  return { did: 'looked', latched: world.latch?.latched ?? 'missing', trouble }
}

/**
 * While latched green stays down and the rules are marked; without a latch that should be, too. A read
 * that failed says nothing, and leaves everything as it is.
 * @returns false where it failed
 */
async function keepLatch({ world, store, router, operations }: LambdaParts): Promise<boolean> {
  const latch = await store.readLatch().catch((error: Error) => error)
  if (latch instanceof Error && !(latch instanceof Corrupt)) {
    log('critical', `the latch cannot be read, and nothing is done about it: ${latch.message}`)
    return false
  }
  if (latch === undefined || latch instanceof Corrupt) {
    if (!world.journal || !anyGreen(await router.read())) return true
    await operations.trip({
      cause: 'latch missing',
      value: latch === undefined ? 'no latch' : latch.message,
      threshold: 'a latch since the first deployment',
      reason: 'the latch is missing or makes no sense, which counts as latched',
      scope: 'plan',
      pace: 'immediately',
    })
  } else if (latch.latched) await operations.assert()
  // Only what has just been read as not latched takes the mark off.
  const marks =
    latch === undefined ? world.journal !== undefined : latch instanceof Corrupt || latch.latched
  await router.mark(marks)
  return true
}

/** The time in which nobody looked counts for nothing, and people hear of it once. */
async function tellOfAbsence(
  { reference, operations, world }: LambdaParts,
  before: Heartbeat | undefined,
  now: Date,
): Promise<void> {
  if (!before || !world.armed) return
  const { alive, reason } = guardOf({ ...before, trouble: undefined }, reference, now)
  if (alive) return
  await operations.record({
    kind: 'guard',
    message: `${reason}: green was not guarded meanwhile, and the bake does not count it`,
    severity: 'warning',
  })
}

/** Time under guard, green's answers since the move, and what blue measures before the first step. */
async function progress(
  parts: LambdaParts,
  before: Heartbeat | undefined,
  now: Date,
): Promise<void> {
  const { world, operations, router, reference, charge, clients, layout } = parts
  const { journal } = world
  if (!journal) return
  const live = await router.read()
  const since = begins(journal, tickMs(reference))
  const green: Record<string, Measurement> = {}
  const blue: Record<string, Measurement> = {}
  for (const service of Object.keys(charge.plan.services)) {
    const measure = (colour: 'blue' | 'green', from: Date) =>
      measureService(clients, layout, reference, { service, colour, from, to: now })
    if (now > since) green[service] = await measure('green', since)
    if (world.beforeFirstStep) {
      blue[service] = await measure('blue', new Date(journal.verified.at))
    }
  }
  const guard = before && guardOf(before, reference, now)
  const from = guard?.alive && before ? new Date(before.at) : undefined
  await operations.progress((current) =>
    counted(current, { journal, live, now, from, green, blue }),
  )
  world.journal = await parts.store.readJournal()
}

/**
 * When what green answers begins to count: after the move, and what settles after it, with the first
 * whole period, as the one of the move holds answers of both weights.
 */
function begins({ plan, verified, clock = 1 }: Journal, periodMs: number): Date {
  const settleMs = findPosition(positionsOf(plan), verified.position)?.settleMs ?? 0
  const settled = Date.parse(verified.at) + settleMs / clock
  return new Date(Math.ceil(settled / periodMs) * periodMs)
}
