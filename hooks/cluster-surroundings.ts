import type { ClusterApi, ClusterObject } from '../platforms/kubernetes/api.ts'
import { podAddresses } from '../platforms/kubernetes/endpoints.ts'
import { existingBackend } from '../platforms/kubernetes/existing.ts'
import { FILES_KEY } from '../platforms/kubernetes/manifests/files.ts'
import {
  configMaps,
  environmentPlace,
  objectName,
  type Place,
} from '../platforms/kubernetes/names.ts'
import { ConfigMapStore } from '../platforms/kubernetes/store.ts'
import { readPrevious } from '../platforms/previous.ts'
import type { Observation } from '../rollout/observation.ts'
import type { Plan } from '../rollout/plan.ts'
import { colourOf } from '../rollout/services.ts'
import { runInJob } from './cluster-jobs.ts'
import { placeVariables, type Surroundings } from './surroundings.ts'

/** Pods come and go, and a replay asks for them with each request. */
const KEPT_MS = 1_000

type ConfigMap = ClusterObject & { data?: Record<string, string> }

/** What is reached in a cluster: each pod of a colour, Jobs, what `pulumi up` has put beside the plan. */
export function clusterSurroundings(api: ClusterApi, place: Place): Surroundings {
  const known = new Map<string, { at: number; found: Promise<string[]> }>()
  const addresses = (backend: string, port: number | undefined) => {
    const last = known.get(backend)
    if (last && performance.now() - last.at < KEPT_MS) return last.found
    const found = podAddresses(api, place, backend, port)
    known.set(backend, { at: performance.now(), found })
    return found
  }
  return {
    reach: async (plan, service, colour, path) => {
      const all = plan.services[service]
      const own = all && colourOf(all, colour)
      if (!own) return []
      const backend = existingBackend(plan, place, service, colour)
      const found = await addresses(backend, own.existing === undefined ? undefined : own.port)
      return found.map((address) => ({ url: `${address}${path}`, headers: {} }))
    },
    run: ({ plan, position, service, environment, signal, ...command }) =>
      runInJob(
        api,
        place,
        plan,
        {
          ...command,
          environment: { ...placeVariables({ plan, position, service }), ...environment },
        },
        signal,
      ),
    variable: async (_plan, name) => process.env[name],
    readFile: async (file) => {
      const name = objectName(place, 'files')
      const found = await api.find<ConfigMap>(`${configMaps(place)}/${name}`)
      const files = JSON.parse(found?.data?.[FILES_KEY] ?? '{}') as Record<string, string>
      const text = files[file]
      if (text === undefined)
        throw new Error(`${file} is not in ConfigMap ${name}; next: pulumi up`)
      return text
    },
    environment: async (plan, name) => {
      const other = environmentPlace(place, plan, name)
      if (other.name === place.name) return 'here'
      const store = new ConfigMapStore(api, other)
      const [latch, events] = await Promise.all([store.readLatch(), store.readEvents()])
      if (!latch && events.length === 0) {
        return { missing: `no rollout ${other.name} in namespace ${other.namespace}` }
      }
      return { latch, events }
    },
  }
}

/** The journal of the environment before this one, as {@link readPrevious} gives it. */
export function readPreviousIn(
  api: ClusterApi,
  place: Place,
  plan: Plan,
  environment: string | undefined,
): Promise<Observation['previous']> {
  return readPrevious(plan, environment, (before) => {
    const other = environmentPlace(place, plan, before)
    return { store: new ConfigMapStore(api, other), place: `${other.namespace}/${other.name}` }
  })
}
