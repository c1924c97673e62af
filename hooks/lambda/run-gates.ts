import { messageOf } from '../../platforms/operations/outcomes.ts'
import { keyOfRound, roundOf } from '../../rollout/commands.ts'
import type { Judgement } from '../../rollout/judgement.ts'
import { verdictsOf } from '../../rollout/verdicts.ts'
import { runsOf, verdictOf } from '../gates/suite.ts'
import { causeOfGate, type DueGate, dueGates, takenBackBy } from '../gates.ts'
import { commandEnvironment, runCommand } from './commands.ts'
import { hold, type LambdaParts } from './hook.ts'

const TIMEOUT_MS = 600_000

/**
 * Brings the gates that are commands on, each as tasks of its own: begins what is due, and records
 * the verdict when all of its runs have ended.
 */
export async function judgeRunGates(parts: LambdaParts): Promise<void> {
  const { world, charge, operations, store } = parts
  const journal = await store.readJournal()
  if (!journal || !world.armed) return
  const { plan, planHash, clock } = charge
  for (const due of dueGates(plan, planHash, clock, journal)) {
    const { name, gate, position } = due
    if (gate.run === undefined) continue
    const judgement = await judge(parts, due).catch(
      (error: unknown): Judgement => ({ result: 'inconclusive', reason: messageOf(error) }),
    )
    const verdict = {
      ...{ gate: name, position: position.name, attempt: journal.attempt, planHash },
      at: new Date().toISOString(),
    }
    if (!judgement) {
      if (verdictsOf(journal, verdict).some(({ result }) => result === 'running')) continue
      const reason = `runs ${gate.run.join(' ')} as a task`
      await operations.recordVerdict({ ...verdict, result: 'running', reason })
      continue
    }
    const { result, reason } = judgement
    await operations.recordVerdict({ ...verdict, result, reason })
    if (result !== 'failed' || gate.otherwise !== 'rollback') continue
    const services = takenBackBy(plan, position, judgement)
    for (const service of services) await operations.trip(causeOfGate(due, reason, service))
    if (services.length > 0) await hold(parts)
  }
}

/** Undefined while one of its runs has not ended. They run beside each other. */
async function judge(parts: LambdaParts, due: DueGate): Promise<Judgement | undefined> {
  const { name, gate, position } = due
  const journal = await parts.store.readJournal()
  if (!journal) return undefined
  const { attempt, planHash, verified } = journal
  const purpose = `gate ${name} at ${position.name} of attempt ${attempt}, ${planHash}, ${verified.at}`
  const round = roundOf(journal, purpose)
  const service = gate.services?.length === 1 ? gate.services[0] : undefined
  const place = { plan: parts.charge.plan, position: position.name, service }
  const runs = runsOf(gate.flags)
  const ends = await Promise.all(
    runs.map(({ variables }, part) =>
      runCommand(parts, {
        key: keyOfRound(purpose, round, part),
        run: gate.run as string[],
        environment: {
          ...commandEnvironment(place, gate.environment ?? {}),
          ...variables,
        },
        timeoutMs: gate.timeout ?? TIMEOUT_MS,
      }),
    ),
  )
  if (ends.some((end) => end === undefined)) return undefined
  return verdictOf(runs, ends as NonNullable<(typeof ends)[number]>[])
}
