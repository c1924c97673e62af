// Stands in for metrics-server: its PodMetrics as custom objects of the same group, kind and path, with
// the resident memory of the bed's processes. The real one is an API of its own behind the aggregator,
// and tells a container's working set.
import { ApiError, type ClusterApi } from '../../../platforms/kubernetes/api.ts'
import type { Pod } from './pod.ts'

export interface PodMemory {
  pod: Pod
  container: string
  bytes: number
}

const GROUP = 'metrics.k8s.io'
const EVERY_MS = 1_000
const DEFINITIONS = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

const definition = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: {
    name: `pods.${GROUP}`,
    // A group of the project's own takes nobody else's kinds without it.
    annotations: { 'api-approved.kubernetes.io': 'unapproved, a stand-in of tests' },
  },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { kind: 'PodMetrics', listKind: 'PodMetricsList', plural: 'pods', singular: 'pod' },
    versions: [
      {
        name: 'v1beta1',
        served: true,
        storage: true,
        schema: {
          openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        },
      },
    ],
  },
}

/** Tells the memory of pods each second until the process ends. */
export async function tellMemory(api: ClusterApi, read: () => PodMemory[]): Promise<void> {
  await api.create(DEFINITIONS, definition)
  const tell = async () => {
    const told = new Set<string>()
    for (const { pod, container, bytes } of read()) {
      const { name, namespace, labels } = pod.metadata
      const path = `/apis/${GROUP}/v1beta1/namespaces/${namespace}/pods`
      told.add(`${path}/${name}`)
      await api
        .patch(
          `${path}/${name}`,
          'apply',
          {
            apiVersion: `${GROUP}/v1beta1`,
            kind: 'PodMetrics',
            metadata: { name, namespace, labels },
            timestamp: new Date().toISOString(),
            containers: [{ name: container, usage: { memory: `${Math.ceil(bytes / 1_024)}Ki` } }],
          },
          { fieldManager: 'metrics-server-stand-in', force: 'true' },
        )
        .catch(() => {})
    }
    for (const path of known) {
      if (told.has(path)) continue
      await api.delete(path).catch((error) => {
        if (!(error instanceof ApiError && error.code === 404)) told.add(path)
      })
    }
    known = told
    setTimeout(tell, EVERY_MS)
  }
  let known = new Set<string>()
  void tell()
}
