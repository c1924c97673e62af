import { stringify } from 'yaml'
import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { rolloutLabel, sharedAlertRules } from '../alert-rules.ts'
import type { Place } from '../names.ts'
import { type Manifest, metadata } from './common.ts'

/** Prometheus' rules: for its operator, or as a file for whatever mounts ConfigMaps of this label. */
export function rulesManifest(place: Place, plan: Plan, clock: number): Manifest {
  const name = `sluice-${place.name}-rules`
  const rules = sharedAlertRules(plan, clock, rolloutLabel(place))
  if (kubernetesPart(plan).operator) {
    return {
      apiVersion: 'monitoring.coreos.com/v1',
      kind: 'PrometheusRule',
      metadata: metadata(place, name),
      spec: rules,
    }
  }
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(place, name, { 'sluice.dev/rules': 'true' }),
    data: { [`${place.namespace}-${place.name}.yml`]: stringify(rules, { lineWidth: 0 }) },
  }
}
