import { existsSync, writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const LOOK_MS = 20

/** The file beside that of a held write which says that one has come. */
export const waitingFile = (file: string) => `${file}.waiting`

/**
 * What a slow network does to a write by chance, a test does on purpose: while the file that
 * SLUICE_STAND_IN_HOLD names is there, a change of a listener rule is decided but not sent yet.
 */
export async function untilLetGo(signal: AbortSignal): Promise<void> {
  const file = process.env['SLUICE_STAND_IN_HOLD']
  if (file === undefined || !existsSync(file)) return
  writeFileSync(waitingFile(file), '')
  while (existsSync(file)) await pause(LOOK_MS, undefined, { signal })
}
