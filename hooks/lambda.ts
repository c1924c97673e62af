import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { AwsReference } from '../platforms/reference.ts'
import { callOf } from './lambda/event.ts'
import { answer, log, openHook } from './lambda/hook.ts'
import type { Charge } from './world.ts'

/** What the function is given beside its code: the reference and what it guards. */
export const CHARGE_FILE = 'charge.json'

/**
 * The function's entry. An error that leaves it makes AWS call it again twice, and then tell the
 * on-failure destination; the next minute's run does the same work in any case.
 */
export async function handler(event: unknown): Promise<object> {
  const { reference, ...charge } = JSON.parse(
    readFileSync(join(import.meta.dirname, CHARGE_FILE), 'utf8'),
  ) as Charge & { reference: AwsReference }
  try {
    return await answer(await openHook(reference, charge), callOf(event))
  } catch (error) {
    log('critical', error instanceof Error ? error.message : String(error))
    throw error
  }
}
