/** The definition of a kind of the Prometheus operator, by the schema of its spec. */
export function operatorKind(kind: string, spec: object) {
  const singular = kind.toLowerCase()
  const plural = `${singular}s`
  const openAPIV3Schema = { type: 'object', required: ['spec'], properties: { spec } }
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.monitoring.coreos.com` },
    spec: {
      group: 'monitoring.coreos.com',
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular },
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
    },
  }
}
