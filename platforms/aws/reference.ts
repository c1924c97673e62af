import type { AwsReference } from '../reference.ts'

/** AWS' own granularity, in seconds: of metrics, of alarms, and of what runs on a schedule. */
export const TICK = 60

export function tickMs({ tick = TICK }: Pick<AwsReference, 'tick'>): number {
  return tick * 1_000
}

/** A hook that has not been heard of for longer guards nothing: one run may be late, two are not. */
export function awayMs(reference: Pick<AwsReference, 'tick'>): number {
  return tickMs(reference) * 2.5
}
