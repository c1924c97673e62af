import type { Plan } from '../../../rollout/plan.ts'
import { objectName, type Place, ROLLOUT_LABEL, routeName } from '../names.ts'
import type { Manifest } from './common.ts'

/**
 * Green's share in a route, percent: of the last backend of the last rule, see route.ts. It is the
 * share and not the weight, as less of blue is more of green. Without any weight it is NaN.
 */
const green = (object: string) => {
  const rules = `${object}.spec.rules`
  const refs = `${rules}[size(${rules}) - 1].backendRefs`
  return `double(${refs}[size(${refs}) - 1].weight) * 100.0 / double(${refs}.map(ref, ref.weight).sum())`
}

/**
 * The cluster itself denies that green rises while the latch is on, or is missing: whoever writes
 * the route, with whatever state. What falls, and what stays, is nobody's business here.
 */
export function latchPolicy(place: Place, plan: Plan): Manifest[] {
  const name = `sluice-${place.namespace}-${place.name}`
  const group = 'admissionregistration.k8s.io/v1'
  const metadata = { name, labels: { [ROLLOUT_LABEL]: place.name } }
  const names = Object.keys(plan.services).map((service) => routeName(place, service))
  const service = `object.metadata.name.substring(${place.name.length + 1})`
  const ceiling = `'green.' + ${service}`
  return [
    {
      apiVersion: group,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['gateway.networking.k8s.io'],
              apiVersions: ['*'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['httproutes'],
            },
          ],
        },
        matchConditions: [
          {
            name: 'of-this-rollout',
            expression: `request.namespace == '${place.namespace}' && object.metadata.name in ${JSON.stringify(names).replaceAll('"', "'")}`,
          },
          {
            name: 'green-rises',
            // What cannot be compared is no fall.
            expression: `!(${green('object')} <= (oldObject == null ? 0.0 : ${green('oldObject')}))`,
          },
        ],
        validations: [
          {
            expression: `params.data[?'latched'].orValue('true') == 'false' || (${ceiling} in params.data && double(params.data[${ceiling}]) >= ${green('object')})`,
            message: `the rollout ${place.name} is latched, so green does not rise; see: pulumi preview, or sluice status`,
            reason: 'Forbidden',
          },
        ],
      },
    },
    {
      apiVersion: group,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: {
        policyName: name,
        validationActions: ['Deny'],
        paramRef: {
          name: objectName(place, 'latch'),
          namespace: place.namespace,
          // A latch that is missing counts as latched.
          parameterNotFoundAction: 'Deny',
        },
      },
    },
  ]
}
