import { formatDuration } from '../../rollout/duration.ts'
import { Refused, Unavailable } from '../platform.ts'
import { type Database, databaseAt } from './database.ts'

export type Environment = Record<string, string | undefined>
export type Progress = (message: string) => void

/**
 * The database that a backup is of.
 * @param source `env:NAME`, as the plan has it
 * @throws Refused where the variable is not set, or holds no address
 */
export function resolveDatabase(name: string, source: string, environment: Environment): Database {
  const variable = source.replace(/^env:/, '')
  const url = environment[variable]
  if (!url) {
    throw new Refused(
      `backups.${name}.postgres: ${source} is not set; next: export ${variable}=postgres://… where this command runs`,
    )
  }
  return databaseAt(url, `backups.${name}.postgres: ${source}`)
}

/** Names the operation in front of what went wrong; the class of the error stays. */
export function explained(error: unknown, what: string): Error {
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`
  if (error instanceof Refused) return new Refused(message, error.refusals)
  return error instanceof Unavailable ? new Unavailable(message) : new Error(message)
}

/** The time since `performance.now()` was `started`, in words. */
export const since = (started: number) => formatDuration(performance.now() - started)
