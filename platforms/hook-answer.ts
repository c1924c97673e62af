import type { Plan } from '../rollout/plan.ts'
import type { Refusal } from '../rollout/refusal.ts'
import { Refused, Unavailable } from './platform.ts'

/** The hook gave no answer: not there, or not in time. What it was asked may have been done. */
export class Away extends Unavailable {}

/** What a hook guards. */
export interface Guarded {
  plan: Plan
  planHash: string
  clock: number
  environment?: string
}

/** What an answer of the hook's API other than 2xx means. */
export function errorOfAnswer(status: number, answer: unknown, what: string): Error {
  const { error, refusals } = (answer ?? {}) as { error?: string; refusals?: Refusal[] }
  if (status === 409) return new Refused(error ?? `the hook refused ${what}`, refusals)
  if (status === 401) {
    return new Unavailable(
      'the hook does not know the token of this rollout: another one may answer in its place; next: sluice doctor',
    )
  }
  return new Unavailable(
    `the hook answered ${status} to ${what}: ${error ?? 'no reason given'}; next: sluice doctor`,
  )
}

/** Why the hook gave no answer within the time. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if ((error as Error).name === 'TimeoutError') return `no answer within ${timeoutMs} ms`
  return fetchFailure(error)
}

/** Why a fetch failed: its own message says only that it did. */
export function fetchFailure(error: unknown): string {
  const { message, cause } = error as Error & { cause?: NodeJS.ErrnoException }
  return cause?.code ?? cause?.message ?? message
}
