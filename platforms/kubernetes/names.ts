import { rolloutOf } from '../../rollout/environments.ts'
import type { KubernetesReference } from '../reference.ts'

/** How the objects of a rollout are called, and where they stand in the API. */

export type Place = Pick<KubernetesReference, 'name' | 'namespace'>

export const ROLLOUT_LABEL = 'sluice.dev/rollout'
export const SERVICE_LABEL = 'sluice.dev/service'
export const COLOUR_LABEL = 'sluice.dev/color'
/** Of the Deployment and pods of an operation that runs beside the rollout. */
export const OPERATION_LABEL = 'sluice.dev/operation'
/** Of the Jobs of one command at one place: a hash of both. */
export const COMMAND_LABEL = 'sluice.dev/command'
/** Of requests: where a user stands among all, 0 to 99, by which services look flags up. */
export const BUCKET_HEADER = 'x-sluice-bucket'
/** A gateway has no bucket of a user: each colour has one for all of its requests, to either side. */
export const COLOUR_BUCKETS = { blue: '99', green: '0' } as const
export const BETWEEN_COLOURS = 50
/** Where pods find the flag file, as SLUICE_FLAGS says. */
export const FLAGS_FOLDER = '/run/sluice/flags'
/** Who owns the fields that are applied: Pulumi and the hook are one. */
export const FIELD_MANAGER = 'sluice'
/** Where the hook listens in its pod. */
export const HOOK_PORT = 8381
/** A request with it goes to green at any weight: blue or green. */
export const ACCESS_HEADER = 'x-sluice-access'
/** Of answers: which colour the gateway sent the request to. */
export const COLOUR_HEADER = 'x-sluice-color'

export const routeName = ({ name }: Place, service: string) => `${name}-${service}`
export const backendName = ({ name }: Place, service: string, colour: string) =>
  `${name}-${service}-${colour}`

export const objectName = ({ name }: Place, what: Kept) => `sluice-${name}-${what}`
/** What stands in ConfigMaps and Secrets of its own. */
export type Kept =
  | 'latch'
  | 'journal'
  | 'history'
  | 'plan'
  | 'code'
  | 'files'
  | 'flags'
  | 'hook'
  | 'backups'

/** The rollout of another environment of a plan, which stands beside this one. */
export const environmentPlace = (
  { namespace }: Place,
  plan: { name: string },
  environment: string,
): Place => ({ name: rolloutOf(plan, environment), namespace })

const encoded = ({ namespace }: Place) => encodeURIComponent(namespace)
export const configMaps = (place: Place) => `/api/v1/namespaces/${encoded(place)}/configmaps`
export const secrets = (place: Place) => `/api/v1/namespaces/${encoded(place)}/secrets`
export const pods = (place: Place) => `/api/v1/namespaces/${encoded(place)}/pods`
export const podMetrics = (place: Place) =>
  `/apis/metrics.k8s.io/v1beta1/namespaces/${encoded(place)}/pods`
export const jobs = (place: Place) => `/apis/batch/v1/namespaces/${encoded(place)}/jobs`
export const leases = (place: Place) =>
  `/apis/coordination.k8s.io/v1/namespaces/${encoded(place)}/leases`
export const routes = (place: Place) =>
  `/apis/gateway.networking.k8s.io/v1/namespaces/${encoded(place)}/httproutes`
export const endpointSlices = (place: Place) =>
  `/apis/discovery.k8s.io/v1/namespaces/${encoded(place)}/endpointslices`
