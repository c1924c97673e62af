import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { HOOK_PORT, objectName, type Place } from '../names.ts'
import { literal, type Manifest, metadata, RESTRICTED, USER } from './common.ts'

/** Where the hook's pods find the bundled code. */
export const CODE_FOLDER = '/run/sluice/code'

const LABELS = ({ name }: Place) => ({
  'app.kubernetes.io/component': 'rollback-hook',
  'sluice.dev/hook': name,
})

/** The hook: two replicas, of which the one that holds the lease guards. */
export function hookDeployment(place: Place, plan: Plan, codeHash: string): Manifest {
  const { image, secret, environment } = kubernetesPart(plan)
  const labels = LABELS(place)
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: metadata(place, objectName(place, 'hook'), labels),
    spec: {
      replicas: 2,
      // A new one is ready before an old one ends.
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      selector: { matchLabels: labels },
      template: {
        metadata: {
          labels: { ...labels, 'sluice.dev/rollout': place.name },
          annotations: {
            // A ConfigMap that changes restarts nobody by itself.
            'sluice.dev/code': codeHash,
            'prometheus.io/scrape': 'true',
            'prometheus.io/port': String(HOOK_PORT),
          },
        },
        spec: {
          serviceAccountName: objectName(place, 'hook'),
          terminationGracePeriodSeconds: 10,
          securityContext: USER,
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: 'kubernetes.io/hostname',
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [
            {
              name: 'hook',
              image,
              command: ['node', `${CODE_FOLDER}/run.mjs`, 'hook', place.name],
              ports: [{ name: 'api', containerPort: HOOK_PORT }],
              env: [
                { name: 'HOST', value: '0.0.0.0' },
                { name: 'POD_NAME', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
                ...Object.entries(environment).map(([name, value]) => ({
                  name,
                  value: literal(value),
                })),
              ],
              envFrom: secret === undefined ? [] : [{ secretRef: { name: secret } }],
              readinessProbe: { httpGet: { path: '/readyz', port: HOOK_PORT }, periodSeconds: 2 },
              volumeMounts: [
                { name: 'code', mountPath: CODE_FOLDER },
                { name: 'scratch', mountPath: '/run/sluice/scratch' },
              ],
              resources: {
                requests: { cpu: '100m', memory: '128Mi' },
                limits: { memory: '512Mi' },
              },
              securityContext: { ...RESTRICTED, readOnlyRootFilesystem: true },
            },
          ],
          volumes: [
            { name: 'code', configMap: { name: objectName(place, 'code') } },
            { name: 'scratch', emptyDir: {} },
          ],
        },
      },
    },
  }
}

/** One of the two is always there while nodes are drained. */
export function hookDisruptionBudget(place: Place): Manifest {
  return {
    apiVersion: 'policy/v1',
    kind: 'PodDisruptionBudget',
    metadata: metadata(place, objectName(place, 'hook')),
    spec: { maxUnavailable: 1, selector: { matchLabels: LABELS(place) } },
  }
}

/**
 * Lets everybody in on the hook's one port, also where the namespace lets nobody in. It keeps nobody
 * away: the API server's proxy, through which the hook is asked, comes from addresses that no policy
 * can select, and Prometheus from wherever it stands. Who may do anything is decided by the token.
 */
export function hookNetworkPolicy(place: Place): Manifest {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: metadata(place, objectName(place, 'hook')),
    spec: {
      podSelector: { matchLabels: LABELS(place) },
      policyTypes: ['Ingress'],
      ingress: [{ ports: [{ protocol: 'TCP', port: HOOK_PORT }] }],
    },
  }
}

/** The code of the hook and of the backup's Job. */
export function codeConfigMap(
  place: Place,
  { data, binaryData }: Pick<Manifest, 'data' | 'binaryData'>,
): Manifest {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: metadata(place, objectName(place, 'code')),
    data,
    binaryData,
  }
}
