import type { Platform, RollbackReport } from '../platforms/platform.ts'
import { formatSpan } from '../rollout/duration.ts'
import type { Journal, MeasuredRollback } from '../rollout/journal.ts'
import { describeHeld, heldAgainst } from '../rollout/limits.ts'
import { journalOf, latchOf } from '../rollout/observation.ts'
import { waitsFor } from '../rollout/rollback-words.ts'
import type { Paint } from './paint.ts'
import { say } from './verb.ts'

const LOOK_EVERY_MS = 250
/** Somebody who waits sees that it goes on. */
const SAY_EVERY_MS = 5_000

/**
 * Waits until the operations of a rollback have brought the state back, for as long as the plan
 * promises; the traffic is back already. Where it promises nothing it says what is under way.
 * @returns why it is not done; undefined where it is, or nothing was promised
 */
export async function awaitState(
  platform: Platform,
  { waitsFor: names = [] }: RollbackReport,
  paint: Paint,
): Promise<string | undefined> {
  if (names.length === 0) return undefined
  let sayAt = performance.now()
  for (;;) {
    const observation = await platform.observe()
    const journal = journalOf(observation)
    const trip = latchOf(observation)?.trip?.number
    const all = (journal?.rollbacks ?? []).filter((each) => each.trip === trip)
    const open = all.find(({ doneAt }) => doneAt === undefined)
    if (!journal || (!open && all.length === 0)) {
      return `nobody follows what brings the state back (${names.join(', ')}); next: sluice doctor`
    }
    if (!open) {
      for (const each of all) say(doneLine(journal, each, paint))
      return undefined
    }
    const left = waitsFor(journal, open)
    if (!observation.guard.alive) {
      return `the state is not back, and nobody works on it while the hook is away: ${left}; next: sluice doctor`
    }
    const took = Date.now() - Date.parse(open.since)
    const held = heldAgainst(journal.plan, open.scopes, took)
    if (held.length === 0) {
      say(`state ${paint('warn', 'under way')}: ${left}; to see it: sluice status`)
      return undefined
    }
    if (held.every(({ kept }) => !kept)) {
      return `the state is not back after ${describeHeld(took, held)}: ${left}; next: sluice status, and sluice doctor`
    }
    if (performance.now() >= sayAt) {
      const longest = Math.max(...held.map(({ promisedMs }) => promisedMs))
      const of = `${formatSpan(took)} of ${formatSpan(longest)}`
      say(`state ${paint('warn', 'under way')}, ${of}: ${left}`)
      sayAt += SAY_EVERY_MS
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}

function doneLine(journal: Journal, rollback: MeasuredRollback, paint: Paint): string {
  const took = Date.parse(rollback.doneAt ?? rollback.since) - Date.parse(rollback.since)
  const held = heldAgainst(journal.plan, rollback.scopes, took)
  const tone = held.every(({ kept }) => kept) ? 'good' : 'bad'
  return `state ${paint(tone, 'is back')}, ${describeHeld(took, held)} after the trigger`
}
