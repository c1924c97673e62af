import type { ColourName, Service } from '../../rollout/plan.ts'

/** What of a rollout's state shows in the router's configuration. */
export interface RouterOptions {
  /** `promoted` and after: blue says that it is deprecated, and when it ends. */
  deprecated?: boolean
  /** `released` and after: green no longer needs the guard. */
  disarmed?: boolean
  /** `retired`: blue is gone, and everything goes to green whatever the map says. */
  retired?: boolean
  /**
   * How long a colour may take to begin its answer, in ms; default 5 s. A longer one is a
   * gateway timeout; reads are tried again elsewhere.
   */
  serverTimeoutMs?: number
}

/** The backend of a colour. */
export function backendOf(service: string, colour: ColourName): string {
  return `${service}_${colour}`
}

/** The backend of a dual-write service's writes that this colour is to answer. */
export function writesOf(service: string, colour: ColourName): string {
  return `${service}_writes_${colour}`
}

/** True where writes go through a copier: there must be two colours to write to. */
export function copiesWrites({ strategy, blue }: Service, { retired }: RouterOptions): boolean {
  return strategy === 'dual-write' && blue !== 'none' && !retired
}
