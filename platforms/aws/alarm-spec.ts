import { NAMESPACE } from './measure.ts'

/** The namespace of what Sluice itself puts: baselines, weights, gates and the hook's heartbeat. */
export const OWN_NAMESPACE = 'Sluice'

/** A metric of one period; `T` is a string, or an output of the engine that becomes one. */
export interface AlarmMetric<T> {
  namespace: string
  metricName: string
  dimensions: Record<string, T>
  stat: string
  period: number
}

export interface AlarmQuery<T> {
  id: string
  label?: string
  expression?: string
  metric?: AlarmMetric<T>
  returnData: boolean
}

/** A CloudWatch metric alarm. */
export interface AlarmSpec<T> {
  name: string
  description: string
  comparison: 'GreaterThanThreshold' | 'LessThanThreshold'
  threshold: number
  /** N of the M of N. */
  evaluationPeriods: number
  /** M of the M of N. */
  datapointsToAlarm: number
  treatMissingData: 'notBreaching' | 'breaching' | 'ignore'
  queries: AlarmQuery<T>[]
}

/** What a service's metrics are known by: see dimensionOf in layout.ts. */
export interface Measured<T> {
  loadBalancer: T
  blue?: T
  green: T
}

/** What every alarm of one service is made of. */
export interface Own<T> {
  rollout: string
  service: string
  /** The guardrail. */
  name: string
  of: Measured<T>
  /** Seconds of a period. */
  tick: number
  clock: number
}

/** `sluice/<rollout>/<service>/<guardrail>`: none of them has a slash. */
export function alarmName(rollout: string, service: string, guardrail: string): string {
  return `sluice/${rollout}/${service}/${guardrail}`
}

/**
 * Without a `for` one bad period of two: one of one can stay in OK for good where the newest period
 * is late. With one, as many as it holds, of one more.
 */
export function periods(forMs: number | undefined, clock: number, tick: number) {
  if (forMs === undefined) return { n: 2, m: 1 }
  const m = Math.max(2, Math.ceil(forMs / clock / 1_000 / tick))
  return { n: m + 1, m }
}

/** A metric of the load balancer, of one target group. */
export function albMetric<T>(
  metricName: string,
  stat: string,
  group: T,
  { loadBalancer }: Measured<T>,
  period: number,
): AlarmMetric<T> {
  return {
    namespace: NAMESPACE,
    metricName,
    dimensions: { TargetGroup: group, LoadBalancer: loadBalancer },
    stat,
    period,
  }
}

/** A metric that the hook puts: see hooks/lambda/own-metrics.ts. */
export function ownMetric<T>(
  metricName: string,
  stat: string,
  { rollout, service }: { rollout: string; service: string },
  period: number,
): AlarmMetric<T> {
  return {
    namespace: OWN_NAMESPACE,
    metricName,
    dimensions: { Rollout: rollout as T, Service: service as T },
    stat,
    period,
  }
}

/** Green's percent, by which what stands at 0 is judged by nothing. */
export const WEIGHT = 'Weight'

/** 1 where a guardrail's gate failed when it was judged last, 0 where it passed. */
export function gateMetricName(guardrail: string): string {
  return `Gate ${guardrail}`
}
