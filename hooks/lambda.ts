import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AwsReference } from '../platforms/reference.ts'
import { callOf } from './lambda/event.ts'
import { answer, log, openHook } from './lambda/hook.ts'
import type { Charge } from './world.ts'

/** What the function is given beside its code: the reference and what it guards. */
export const CHARGE_FILE = 'charge.json'

/** What AWS tells a function of its call, as far as it is used. */
interface Context {
  getRemainingTimeInMillis?(): number
}

/**
 * A call that is no gate's asserts for half a minute after a rollback, and may be throttled on the
 * way. One that takes longer than this hangs: AWS begins another in its place.
 */
const LONGEST_CALL_MS = 90_000

/**
 * The function's entry. An error that leaves it makes AWS call it again twice, and then tell the
 * on-failure destination; the next minute's run does the same work in any case.
 */
export async function handler(event: unknown, context?: Context): Promise<object> {
  const { reference, ...charge } = JSON.parse(
    readFileSync(join(import.meta.dirname, CHARGE_FILE), 'utf8'),
  ) as Charge & { reference: AwsReference }
  let late: NodeJS.Timeout | undefined
  try {
    const call = callOf(event)
    if (call.kind !== 'judge') late = setTimeout(() => process.exit(1), LONGEST_CALL_MS)
    return await answer(
      await openHook(reference, charge),
      call,
      context?.getRemainingTimeInMillis?.(),
    )
  } catch (error) {
    log('critical', error instanceof Error ? error.message : String(error))
    throw error
  } finally {
    clearTimeout(late)
  }
}
