import { ClusterApi, type ClusterObject } from '../../platforms/kubernetes/api.ts'
import { existingBackend } from '../../platforms/kubernetes/existing.ts'
import { pathOf } from '../../platforms/kubernetes/kinds.ts'
import { kubeconfigAccess } from '../../platforms/kubernetes/kubeconfig.ts'
import { holderOf } from '../../platforms/kubernetes/lease.ts'
import { latchPolicy } from '../../platforms/kubernetes/manifests/latch-policy.ts'
import { objectName, type Place, routeName, routes } from '../../platforms/kubernetes/names.ts'
import {
  notAccepted,
  otherOwners,
  type Route,
  takeBack,
  weightsIn,
} from '../../platforms/kubernetes/route.ts'
import { RouteRouter } from '../../platforms/kubernetes/router.ts'
import { journalOf, type Observation } from '../../rollout/observation.ts'
import type { ColourName } from '../../rollout/plan.ts'
import { describeChange } from '../../rollout/weights.ts'
import { WrongUse } from '../errors.ts'
import type { OpenStack } from '../stack.ts'
import {
  apiFinding,
  driftFinding,
  guardFinding,
  journalFinding,
  latchFinding,
  programLooks,
} from './common.ts'
import type { Found, Look } from './finding.ts'

type Deployment = ClusterObject & {
  spec: { replicas?: number }
  status?: { readyReplicas?: number }
}

/** The parts of a rollout in a cluster, as the deployer's kubeconfig sees them. */
export async function clusterParts(stack: OpenStack, observation: Observation): Promise<Look[]> {
  const reference = stack.settings.platform
  if (reference.kind !== 'kubernetes') throw new WrongUse(`${reference.kind} is no cluster`)
  const api = new ClusterApi(kubeconfigAccess(reference.context))
  const begin: Look[] = [...programLooks([]), ['cluster', () => clusterFinding(api)]]
  if (!observation.deployed) {
    const found = `nothing stands as ${reference.name} in namespace ${reference.namespace}; pulumi up deploys with green at 0`
    return [...begin, ['rollout', async () => ({ state: 'absent', found })]]
  }
  const services = Object.keys(stack.plan.services)
  const log = `kubectl logs -n ${reference.namespace} -l sluice.dev/hook=${reference.name}`
  return [
    ...begin,
    ...services.map((service): Look => [`route ${service}`, () => route(api, reference, service)]),
    ...services.flatMap((service) =>
      coloursOf(stack, observation, service).map(
        (colour): Look => [
          `${service} ${colour}`,
          () => endpoints(api, stack, reference, service, colour),
        ],
      ),
    ),
    ['hook', () => hook(api, reference)],
    ['hook API', () => apiFinding(stack, log)],
    ['guard', async () => guardFinding(stack, observation)],
    ['policy', () => policy(api, stack, reference)],
    ['latch', async () => latchFinding(observation)],
    ['journal', async () => journalFinding(observation)],
    ['drift', async () => driftFinding(observation)],
  ]
}

async function clusterFinding(api: ClusterApi): Promise<Found> {
  const { gitVersion } = await api.ask<{ gitVersion: string }>('GET', '/version')
  return { state: 'well', found: `Kubernetes ${gitVersion}` }
}

async function route(api: ClusterApi, place: Place, service: string): Promise<Found> {
  const name = routeName(place, service)
  const found = await api.find<Route>(`${routes(place)}/${name}`)
  if (!found) {
    return { state: 'ill', found: `no HTTPRoute ${name}`, next: 'pulumi up --refresh --yes' }
  }
  const weights = { [service]: weightsIn(found) }
  const others = otherOwners(found)
  if (others.length > 0) {
    return {
      state: 'ill',
      found: `${others.join(', ')} owns the weights of HTTPRoute ${name}: ${describeChange(weights, weights)}; nothing rises over it`,
      next: takeBack(place.namespace, name),
    }
  }
  const why = notAccepted(found)
  return why === undefined
    ? { state: 'well', found: `taken by the gateway: ${describeChange(weights, weights)}` }
    : { state: 'ill', found: why, next: `kubectl describe httproute -n ${place.namespace} ${name}` }
}

function coloursOf({ plan }: OpenStack, observation: Observation, service: string): ColourName[] {
  const retired = journalOf(observation)?.verified.position === 'retired'
  return plan.services[service]?.blue === 'none' || retired ? ['green'] : ['blue', 'green']
}

async function endpoints(
  api: ClusterApi,
  { plan }: OpenStack,
  place: Place,
  service: string,
  colour: ColourName,
): Promise<Found> {
  const backend = existingBackend(plan, place, service, colour)
  const router = new RouteRouter({ api, place, backend: () => backend })
  if (await router.healthy(service, colour)) {
    return { state: 'well', found: `Service ${backend} has endpoints that are ready` }
  }
  return {
    state: 'ill',
    found: `Service ${backend} has no endpoint that is ready`,
    next: `kubectl get pods,endpointslices -n ${place.namespace}`,
  }
}

async function hook(api: ClusterApi, place: Place): Promise<Found> {
  const name = objectName(place, 'hook')
  const [deployment, holder] = await Promise.all([
    api.find<Deployment>(`${pathOf('Deployment', place.namespace)}/${name}`),
    holderOf(api, place),
  ])
  if (!deployment) {
    return { state: 'ill', found: `no Deployment ${name}`, next: 'pulumi up --refresh --yes' }
  }
  const { spec, status } = deployment
  const [ready, wanted] = [status?.readyReplicas ?? 0, spec.replicas ?? 1]
  const found = `${ready} of ${wanted} replicas ready; ${holder ?? 'none'} holds the lease`
  if (ready >= wanted) return { state: 'well', found }
  return {
    state: 'ill',
    found,
    next: `kubectl get pods -n ${place.namespace} -l sluice.dev/hook=${place.name}`,
  }
}

/** The policy by which the API server itself keeps the latch. */
async function policy(api: ClusterApi, { plan }: OpenStack, place: Place): Promise<Found> {
  const missing: string[] = []
  for (const { kind, metadata } of latchPolicy(place, plan)) {
    const path = `${pathOf(kind, place.namespace)}/${metadata.name}`
    if (!(await api.find(path))) missing.push(`${kind} ${metadata.name}`)
  }
  if (missing.length === 0) return { state: 'well', found: 'denies a rise while latched' }
  return {
    state: 'ill',
    found: `${missing.join(' and ')} is not there: while latched only the hook puts a rise back`,
    next: 'pulumi up --refresh --yes',
  }
}
