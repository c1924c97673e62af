import type { KubernetesReference } from '../../../platforms/reference.ts'

/** The cluster of a reference; what talks to it is loaded only where there is one. */
export async function clusterOf({ name, namespace, context }: KubernetesReference) {
  const [{ ClusterApi }, { kubeconfigAccess }, names, handing] = await Promise.all([
    import('../../../platforms/kubernetes/api.ts'),
    import('../../../platforms/kubernetes/kubeconfig.ts'),
    import('../../../platforms/kubernetes/names.ts'),
    import('../../../platforms/kubernetes/hand-over.ts'),
  ])
  const place = { name, namespace }
  const secretPath = (at: typeof place) => `${names.secrets(at)}/${names.objectName(at, 'hook')}`
  return { api: new ClusterApi(kubeconfigAccess(context)), place, handing, secretPath }
}
