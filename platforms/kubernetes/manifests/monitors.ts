import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import {
  COLOUR_LABEL,
  OPERATION_LABEL,
  objectName,
  type Place,
  ROLLOUT_LABEL,
  SERVICE_LABEL,
} from '../names.ts'
import { type Manifest, metadata } from './common.ts'

/** The labels of pods that become labels of their series. */
const NAMED = { service: SERVICE_LABEL, color: COLOUR_LABEL, operation: OPERATION_LABEL }

/**
 * What the Prometheus operator is to scrape: the hook, the services that have metrics, and the
 * operations that run beside the rollout. None without the operator: annotations say the same.
 */
export function monitorManifests(
  place: Place,
  plan: Plan,
  operations: readonly string[],
): Manifest[] {
  if (!kubernetesPart(plan).operator) return []
  const rollout = { [ROLLOUT_LABEL]: place.name }
  const services = Object.entries(plan.services).flatMap(([name, { metrics }]) =>
    metrics === undefined
      ? []
      : [monitor(place, `${place.name}-${name}`, { [SERVICE_LABEL]: name }, 'http', metrics)],
  )
  const ofOperations = operations.flatMap((name) => {
    const metrics = plan.operations[name]?.metrics
    if (typeof metrics !== 'object') return []
    const own = `${place.name}-${name}-operation`
    return [monitor(place, own, { [OPERATION_LABEL]: name }, 'metrics', metrics.path)]
  })
  const hook = { 'sluice.dev/hook': place.name }
  const all = [
    monitor(place, objectName(place, 'hook'), hook, 'api', '/metrics'),
    ...services,
    ...ofOperations,
  ]
  return all.map(({ selector, ...each }) => ({
    ...each,
    spec: { selector: { matchLabels: { ...rollout, ...selector } }, ...each.spec },
  }))
}

function monitor(
  place: Place,
  name: string,
  selector: Record<string, string>,
  port: string,
  path: string,
): Manifest & { selector: Record<string, string>; spec: object } {
  const relabelings = Object.entries(NAMED).map(([targetLabel, label]) => ({
    sourceLabels: [`__meta_kubernetes_pod_label_${label.replace(/[^a-zA-Z0-9]/g, '_')}`],
    // A label that a pod has not would take away what the series itself says.
    regex: '(.+)',
    targetLabel,
  }))
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PodMonitor',
    metadata: metadata(place, name),
    selector,
    spec: { podMetricsEndpoints: [{ port, path, interval: '5s', relabelings }] },
  }
}
