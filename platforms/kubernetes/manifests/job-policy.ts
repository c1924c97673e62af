import type { Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { objectName, type Place, ROLLOUT_LABEL } from '../names.ts'
import type { Manifest } from './common.ts'

const GROUP = 'admissionregistration.k8s.io'

/**
 * Whoever may make Jobs could run anything in the namespace, as any account. The cluster itself denies
 * the hook every Job but those of the plan's runner: its image, without a token of the cluster (a
 * backup's has its own account, which may write down what came of it), with no other Secret than the
 * plan's and no volume but the code and the backups.
 */
export function jobPolicy(place: Place, plan: Plan): Manifest[] {
  const name = `sluice-${place.namespace}-${place.name}-jobs`
  const metadata = { name, labels: { [ROLLOUT_LABEL]: place.name } }
  const { secret = '', claim = '' } = kubernetesPart(plan)
  const quoted = (text: string) => JSON.stringify(text)
  const hook = `system:serviceaccount:${place.namespace}:${objectName(place, 'hook')}`
  const pod = 'object.spec.template.spec'
  const ofSecret = (value: string) => `${value}.name == ${quoted(secret)}`
  const only = (expression: string, message: string) => ({
    expression,
    message: `the hook of the rollout ${place.name} makes no such Job: ${message}`,
    reason: 'Forbidden',
  })
  return [
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'ValidatingAdmissionPolicy',
      metadata,
      spec: {
        failurePolicy: 'Fail',
        matchConstraints: {
          resourceRules: [
            {
              apiGroups: ['batch'],
              apiVersions: ['*'],
              operations: ['CREATE', 'UPDATE'],
              resources: ['jobs'],
            },
          ],
        },
        matchConditions: [
          {
            name: 'by-the-hook',
            expression: `request.namespace == ${quoted(place.namespace)} && request.userInfo.username == ${quoted(hook)}`,
          },
        ],
        validations: [
          only(
            `${pod}.containers.all(c, c.image == ${quoted(plan.runner?.image ?? '')}) && !has(${pod}.initContainers)`,
            "its image is not the plan's runner",
          ),
          only(
            `(has(${pod}.automountServiceAccountToken) && !${pod}.automountServiceAccountToken) || (has(${pod}.serviceAccountName) && ${pod}.serviceAccountName == ${quoted(`sluice-${place.name}-backup`)})`,
            'it is given a token of the cluster',
          ),
          only(
            `!(has(${pod}.hostNetwork) && ${pod}.hostNetwork) && !(has(${pod}.hostPID) && ${pod}.hostPID) && ${pod}.containers.all(c, has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation) && !c.securityContext.allowPrivilegeEscalation)`,
            'it asks for more than a process needs',
          ),
          only(
            `!has(${pod}.volumes) || ${pod}.volumes.all(v, (has(v.configMap) && v.configMap.name == ${quoted(objectName(place, 'code'))}) || (has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName == ${quoted(claim)}))`,
            'a volume is neither the code nor the backups',
          ),
          only(
            `${pod}.containers.all(c, (!has(c.envFrom) || c.envFrom.all(e, has(e.secretRef) && ${ofSecret('e.secretRef')})) && (!has(c.env) || c.env.all(e, !has(e.valueFrom) || (has(e.valueFrom.secretKeyRef) && ${ofSecret('e.valueFrom.secretKeyRef')}))))`,
            "a Secret is not the plan's",
          ),
        ],
      },
    },
    {
      apiVersion: `${GROUP}/v1`,
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata,
      spec: { policyName: name, validationActions: ['Deny'] },
    },
  ]
}
