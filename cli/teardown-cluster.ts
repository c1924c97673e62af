import { ClusterApi } from '../platforms/kubernetes/api.ts'
import { kubeconfigAccess } from '../platforms/kubernetes/kubeconfig.ts'
import { removeKept } from '../platforms/kubernetes/leftovers.ts'
import type { KubernetesReference } from '../platforms/reference.ts'
import { NotDone, WrongUse } from './errors.ts'
import { runPulumi } from './pulumi.ts'
import type { Stack } from './stack.ts'
import { say } from './verb.ts'

/**
 * Takes a rollout off its cluster: what Pulumi made, and then what the hook and the backups left.
 * @throws NotDone where Pulumi ended with an error: then nothing of the rest is taken
 */
export async function tearDownInCluster(
  stack: Stack,
  place: KubernetesReference,
  { withData, withoutPulumi }: { withData: boolean; withoutPulumi: boolean },
): Promise<void> {
  if (withoutPulumi) {
    throw new WrongUse(
      `--without-pulumi: in a cluster it is Pulumi that made the objects; by hand: kubectl delete all,configmap,secret,lease,httproute,role,rolebinding,serviceaccount,networkpolicy,pdb -n ${place.namespace} -l sluice.dev/rollout=${place.name}, and kubectl delete validatingadmissionpolicy,validatingadmissionpolicybinding -l sluice.dev/rollout=${place.name}`,
    )
  }
  // What serves and guards is protected; this command is what takes that off.
  const unprotected = await runPulumi(stack, ['state', 'unprotect', '--all', '--yes'])
  const environment = { SLUICE_TEARDOWN: place.name }
  const code = unprotected || (await runPulumi(stack, ['destroy', '--yes'], environment))
  if (code !== 0) {
    throw new NotDone(`pulumi ended with ${code}; next: sluice teardown ${stack.name}, once more`)
  }
  const api = new ClusterApi(kubeconfigAccess(place.context))
  const { removed, stays } = await removeKept(api, place, { withData })
  say(
    `taken off namespace ${place.namespace}: what Pulumi made, ${removed.join(', ') || 'and there was nothing else'}`,
    ...stays.map((what) => `stays: ${what}`),
    `the stack itself stands in Pulumi's state; to forget it: pulumi stack rm ${stack.name}`,
  )
}
