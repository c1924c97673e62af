import { rolloutLabel } from '../../platforms/kubernetes/alert-rules.ts'
import { ClusterApi } from '../../platforms/kubernetes/api.ts'
import { kubeconfigAccess } from '../../platforms/kubernetes/kubeconfig.ts'
import { ConfigMapStore } from '../../platforms/kubernetes/store.ts'
import type { KubernetesReference } from '../../platforms/reference.ts'
import { kubernetesPart } from '../../rollout/schema/kubernetes.ts'
import { NotDone } from '../errors.ts'
import type { OpenStack } from '../stack.ts'
import { type History, withoutSlash } from './history.ts'

/**
 * What a cluster keeps for a report: the newest events, in a ConfigMap.
 * @param prometheus where it is reached from here, where that is another address than the plan's
 * @throws NotDone where there is none yet
 */
export async function clusterHistory(
  { plan }: OpenStack,
  place: KubernetesReference,
  prometheus = kubernetesPart(plan).prometheus,
): Promise<History> {
  const api = new ClusterApi(kubeconfigAccess(place.context))
  const events = await new ConfigMapStore(api, place).readEvents()
  if (events.length === 0) {
    throw new NotDone(
      `${place.name} in namespace ${place.namespace} has no history yet; next: pulumi up`,
    )
  }
  const selector = `rollout="${rolloutLabel(place)}"`
  return { events, measured: { prometheus: withoutSlash(prometheus), selector } }
}
