import { type Logger, pino } from 'pino'

/** The hook's log: JSON lines on stdout, kept by the supervisor. Never carries a secret. */
export function createLog(): Logger {
  return pino({ base: undefined, timestamp: pino.stdTimeFunctions.isoTime })
}

export type { Logger }
