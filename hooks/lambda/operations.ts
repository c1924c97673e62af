import { messageOf } from '../../platforms/operations/outcomes.ts'
import { keyOfRound, roundOf } from '../../rollout/commands.ts'
import { type DueOperation, dueOperations } from '../../rollout/due-operations.ts'
import { formatSpan } from '../../rollout/duration.ts'
import type { Journal, OperationRecord } from '../../rollout/journal.ts'
import { commandEnvironment, runCommand } from './commands.ts'
import type { LambdaParts } from './hook.ts'

/**
 * Brings the operations of the plan on: begins what is due, records what has ended, and goes on with
 * what is due then. Waits for none: the next minute's run looks again.
 */
export async function runOperations(parts: LambdaParts): Promise<void> {
  const { world, charge, store } = parts
  const asked = new Set<string>()
  for (;;) {
    const [journal, latch] = [await store.readJournal(), await store.readLatch()]
    if (!journal) return
    world.journal = journal
    const due = dueOperations({ ...charge, journal, latch }, new Date().toISOString())
    const next = due.filter((one) => !asked.has(keyOf(one, journal)))
    if (next.length === 0) return
    for (const one of next) {
      asked.add(keyOf(one, journal))
      await bringOn(parts, one, journal)
    }
  }
}

async function bringOn(parts: LambdaParts, due: DueOperation, journal: Journal): Promise<void> {
  const { operations, charge } = parts
  const { planned, position, attempt } = due
  const { name, run, environment, service, timeoutMs } = planned
  const before = recordOf(due, journal)
  const record = async (result: OperationRecord['result'], reason: string) => {
    if (before?.result === result && result === 'running') return
    const at = new Date().toISOString()
    await operations.recordOperation({ operation: name, position, attempt, result, reason, at })
  }
  try {
    const end = await runCommand(parts, {
      key: keyOf(due, journal),
      run,
      environment: commandEnvironment({ plan: charge.plan, position, service }, environment),
      timeoutMs,
    })
    if (!end) return await record('running', `runs ${run.join(' ')} as a task`)
    const since = before?.result === 'running' ? Date.now() - Date.parse(before.at) : 0
    await record(end.ok ? 'done' : 'failed', `${formatSpan(since)}, ${end.reason}`)
  } catch (error) {
    // What could not be begun holds its step like what failed, and is tried again.
    await record('failed', messageOf(error))
  }
}

/** One that failed is another occasion when it is due again. */
function keyOf({ planned, position, attempt }: DueOperation, journal: Journal): string {
  const purpose = `operation ${planned.name} at ${position} of attempt ${attempt}`
  return keyOfRound(purpose, roundOf(journal, purpose))
}

function recordOf({ planned, position, attempt }: DueOperation, { operations }: Journal) {
  return operations?.findLast(
    (record) =>
      record.operation === planned.name &&
      record.position === position &&
      record.attempt === attempt,
  )
}
