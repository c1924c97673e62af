import type { Unavailable as Unknown } from '../../rollout/observation.ts'

/** What came of something that may fail, as a value. */

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

export async function orUnknown<T>(promise: Promise<T>): Promise<T | Unknown> {
  try {
    return await promise
  } catch (error) {
    return { unavailable: messageOf(error) }
  }
}

export async function orNothing<T>(promise: Promise<T>): Promise<T | undefined> {
  return promise.catch(() => undefined)
}

export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => undefined,
    (error: unknown) => error ?? new Error('unknown'),
  )
}

export async function settled<T>(promise: Promise<T>): Promise<{ value: T } | { error: unknown }> {
  return promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
}
