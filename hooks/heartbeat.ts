import * as fs from 'node:fs'

/** Away for longer, the router has begun to send green's traffic to blue. */
export const AWAY_MS = 2_000

/**
 * How long the hook was away.
 * @returns ms since the heartbeat; undefined where there is none
 */
export function awayFor(path: string, now = Date.now()): number | undefined {
  const modified = fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs
  // A clock that was put back says nothing of how long it was: as long as anybody can tell, too long.
  return modified === undefined ? undefined : modified > now ? AWAY_MS + 1 : now - modified
}

/** Says that the hook is awake. */
export function beat(path: string): void {
  const now = new Date()
  try {
    fs.utimesSync(path, now, now)
  } catch {
    fs.writeFileSync(path, '', { mode: 0o600 })
  }
}
