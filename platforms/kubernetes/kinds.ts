/** Where the kinds of objects that a rollout is made of stand in the API: version and plural. */
const KINDS: Record<string, [apiVersion: string, plural: string, cluster?: 'cluster']> = {
  ConfigMap: ['v1', 'configmaps'],
  Secret: ['v1', 'secrets'],
  Service: ['v1', 'services'],
  ServiceAccount: ['v1', 'serviceaccounts'],
  Deployment: ['apps/v1', 'deployments'],
  Job: ['batch/v1', 'jobs'],
  PodDisruptionBudget: ['policy/v1', 'poddisruptionbudgets'],
  NetworkPolicy: ['networking.k8s.io/v1', 'networkpolicies'],
  Role: ['rbac.authorization.k8s.io/v1', 'roles'],
  RoleBinding: ['rbac.authorization.k8s.io/v1', 'rolebindings'],
  HTTPRoute: ['gateway.networking.k8s.io/v1', 'httproutes'],
  PodMonitor: ['monitoring.coreos.com/v1', 'podmonitors'],
  PrometheusRule: ['monitoring.coreos.com/v1', 'prometheusrules'],
  ValidatingAdmissionPolicy: [
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicies',
    'cluster',
  ],
  ValidatingAdmissionPolicyBinding: [
    'admissionregistration.k8s.io/v1',
    'validatingadmissionpolicybindings',
    'cluster',
  ],
}

export const kindsKnown = Object.keys(KINDS)

/**
 * The path of a kind's objects.
 * @throws Error for a kind that nothing here is made of
 */
export function pathOf(kind: string, namespace: string): string {
  const known = KINDS[kind]
  if (!known) throw new Error(`nothing of a rollout is a ${kind}`)
  const [version, plural, cluster] = known
  const root = version === 'v1' ? '/api/v1' : `/apis/${version}`
  return cluster ? `${root}/${plural}` : `${root}/namespaces/${namespace}/${plural}`
}
