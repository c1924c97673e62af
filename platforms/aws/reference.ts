/** Which rollout on AWS, and how fast AWS' own minute passes. */
export interface AwsReference {
  kind: 'aws'
  /** The stack: what everything that Sluice keeps in the account is named by. */
  rollout: string
  /** Default: the SDK's own chain (AWS_REGION, the profile). Credentials are its chain's too. */
  region?: string
  /**
   * Seconds in which the load balancer's metrics come, alarms are evaluated and the reconciler runs:
   * 60 on AWS, whatever `sluice:clock` says. A simulator may be faster.
   */
  tick?: number
}

/** AWS' own granularity, in seconds. */
export const TICK = 60

export function tickMs({ tick = TICK }: Pick<AwsReference, 'tick'>): number {
  return tick * 1_000
}
