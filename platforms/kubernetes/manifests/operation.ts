import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { OPERATION_LABEL, type Place, ROLLOUT_LABEL } from '../names.ts'
import {
  flagsIn,
  literal,
  type Manifest,
  metadata,
  RESTRICTED,
  scraped,
  USER,
  variables,
  variablesFrom,
} from './common.ts'

/**
 * An operation that runs beside the rollout: one pod in the runner's image, never two at once. It is
 * ready once it shows its metrics, where it has any.
 */
export function operationManifest(place: Place, plan: Plan, name: string): Manifest {
  const operation = plan.operations[name]
  if (!operation) throw new Error(`the plan has no operation ${name}`)
  const { run, environment } = operation
  const metrics = typeof operation.metrics === 'object' ? operation.metrics : undefined
  const { secret } = kubernetesPart(plan)
  const flags = flagsIn(place)
  const labels = { [OPERATION_LABEL]: name }
  const selector = { [ROLLOUT_LABEL]: place.name, ...labels }
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(place, `${place.name}-${name}-operation`, labels),
    spec: {
      replicas: 1,
      strategy: { type: 'Recreate' },
      selector: { matchLabels: selector },
      template: {
        metadata: {
          labels: selector,
          ...(metrics ? { annotations: scraped(metrics.port, metrics.path) } : {}),
        },
        spec: {
          automountServiceAccountToken: false,
          securityContext: USER,
          containers: [
            {
              name: 'operation',
              image: plan.runner?.image,
              command: run.map(literal),
              env: [
                { name: 'HOST', value: '0.0.0.0' },
                { name: 'SLUICE_ROLLOUT', value: plan.name },
                flags.variable,
                ...variables(environment, secret),
              ],
              envFrom: variablesFrom(secret),
              ...(metrics
                ? {
                    ports: [{ name: 'metrics', containerPort: metrics.port }],
                    readinessProbe: {
                      httpGet: { path: metrics.path, port: 'metrics' },
                      periodSeconds: 2,
                    },
                  }
                : {}),
              volumeMounts: [flags.mount],
              securityContext: RESTRICTED,
            },
          ],
          volumes: [flags.volume],
        },
      },
    },
  }
}
