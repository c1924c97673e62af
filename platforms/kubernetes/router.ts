import { setTimeout as pause } from 'node:timers/promises'
import { greenOf, type ServiceWeights, type Weights } from '../../rollout/weights.ts'
import { Refused, Unavailable } from '../platform.ts'
import type { Router } from '../router.ts'
import { ApiError, type ClusterApi, type ClusterObject } from './api.ts'
import {
  backendName,
  endpointSlices,
  FIELD_MANAGER,
  type Place,
  ROLLOUT_LABEL,
  routeName,
  routes,
} from './names.ts'
import {
  notAccepted,
  otherOwners,
  ownMetadata,
  type Route,
  takeBack,
  weightsIn,
  weightsOf,
  withGreen,
} from './route.ts'

/** A gateway that has not taken a change after this has not taken it. */
const ACCEPT_MS = 10_000
const LOOK_EVERY_MS = 20

type Slice = ClusterObject & { endpoints?: { conditions?: { ready?: boolean } }[] }

/** Sees at the data plane what a route gives users. */
export interface Probe {
  /**
   * Waits until the gateway does what the route says, as far as answers can show it: at green 0
   * none of it, at 100 nothing else, above 0 some.
   * @param before the green that it gave, and gives still if it has changed nothing
   * @throws Unavailable where it does not in time
   */
  see(service: string, green: number, before: number): Promise<void>
}

export interface RouterParts {
  api: ClusterApi
  place: Place
  /** The Service of a colour; default the one that the rollout declares. */
  backend?(service: string, colour: keyof Weights): string
  /** None where the data plane cannot be reached from here: then the status has to do. */
  probe?: Probe
}

/** A route that says what it should, and the green that it said before. */
interface Written {
  service: string
  green: number
  before: number
  route: Route
}

/**
 * The HTTPRoutes of a rollout, one a service. A write is conditional on the resourceVersion that it
 * was decided on, and is done once the gateway has taken this very generation and shows it.
 */
export class RouteRouter implements Router {
  readonly #parts: RouterParts
  /** The green that a gateway may still give, where it was not seen yet to give what was written over it. */
  readonly #unseen = new Map<string, number>()
  constructor(parts: RouterParts) {
    this.#parts = parts
  }

  /** What the routes say. */
  async read(): Promise<ServiceWeights> {
    const { api, place } = this.#parts
    const labelSelector = `${ROLLOUT_LABEL}=${place.name}`
    return weightsOf(await api.list<Route>(routes(place), { labelSelector }))
  }

  /**
   * Sets the green of the services given, in their order.
   * @throws Refused where green would rise over another owner of the weights, or the cluster denies
   *   it; Unavailable where a gateway does not take it
   */
  async write(weights: ServiceWeights): Promise<void> {
    // The falls of all first: a user who waits for one must not wait for the gateway's answer to another.
    const written: Written[] = []
    for (const service of Object.keys(weights)) written.push(await this.#write(service, weights))
    await Promise.all(written.map((each) => this.#taken(each)))
  }

  /** See {@link Router.mayRise}. */
  async mayRise(service: string, before: number, after: number): Promise<void> {
    const { api, place } = this.#parts
    const route = await api.get<Route>(`${routes(place)}/${routeName(place, service)}`)
    this.#refuseOver(route, service, before, after)
  }

  /** A controller that writes the weights too would take back what is raised, or raise it further. */
  #refuseOver(route: Route, service: string, before: number, after: number): void {
    const others = otherOwners(route)
    if (others.length === 0) return
    const { name, namespace } = { ...this.#parts.place, ...route.metadata }
    throw new Refused(
      `green of ${service} does not rise from ${before} to ${after}: ${others.join(', ')} owns the weights of HTTPRoute ${namespace}/${name}, green ${weightsIn(route).green} now; next: ${takeBack(namespace, name)}, then pulumi up`,
    )
  }

  async #write(service: string, weights: ServiceWeights): Promise<Written> {
    const { api, place } = this.#parts
    const path = `${routes(place)}/${routeName(place, service)}`
    const green = greenOf(weights, service)
    for (;;) {
      const route = await api.get<Route>(path)
      const before = weightsIn(route).green
      if (before === green) return { service, green, before, route }
      const rises = green > before
      if (rises) this.#refuseOver(route, service, before, green)
      try {
        const taken = await api.patch<Route>(
          path,
          'apply',
          {
            apiVersion: 'gateway.networking.k8s.io/v1',
            kind: 'HTTPRoute',
            metadata: {
              name: route.metadata.name,
              namespace: place.namespace,
              resourceVersion: route.metadata.resourceVersion,
              ...ownMetadata(route),
            },
            spec: { ...route.spec, rules: withGreen(route, weights[service] as Weights) },
          },
          // A fall takes the field from whoever has it; a rise was refused above.
          { fieldManager: FIELD_MANAGER, force: 'true' },
        )
        return { service, green, before, route: taken }
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // Written by somebody since: what is asked for is asked of what stands now.
        if (error.code === 409 && !rises) continue
        if (error.code === 409 || error.code === 403 || error.code === 422) {
          throw new Refused(`green of ${service}, ${before} → ${green}: ${error.message}`)
        }
        throw error
      }
    }
  }

  /** Each route as it stands: taken by the gateway, and done by it. Another hand than ours wrote it, maybe. */
  async seen(services: string[], before: ServiceWeights): Promise<void> {
    const { api, place } = this.#parts
    await Promise.all(
      services.map(async (service) => {
        const route = await api.get<Route>(`${routes(place)}/${routeName(place, service)}`)
        const { green } = weightsIn(route)
        await this.#taken({ service, green, before: greenOf(before, service), route })
      }),
    )
  }

  async #taken({ service, green, before, route: written }: Written): Promise<void> {
    const { api, place, probe } = this.#parts
    const path = `${routes(place)}/${routeName(place, service)}`
    const gave = before === green ? (this.#unseen.get(service) ?? before) : before
    this.#unseen.set(service, gave)
    const until = performance.now() + ACCEPT_MS
    for (let route = written; ; route = await api.get<Route>(path)) {
      const why = notAccepted(route)
      if (why === undefined || weightsIn(route).green !== green) break
      if (performance.now() > until) {
        throw new Unavailable(
          `HTTPRoute ${route.metadata.name} says green ${green}, but the gateway has not taken it: ${why}; next: kubectl describe httproute -n ${place.namespace} ${route.metadata.name}`,
        )
      }
      await pause(LOOK_EVERY_MS)
    }
    await probe?.see(service, green, gave)
    this.#unseen.delete(service)
  }

  /** True when the colour has an endpoint that is ready. */
  async healthy(service: string, colour: keyof Weights): Promise<boolean> {
    const { api, place, backend } = this.#parts
    const name = backend?.(service, colour) ?? backendName(place, service, colour)
    const labelSelector = `kubernetes.io/service-name=${name}`
    const slices = await api.list<Slice>(endpointSlices(place), { labelSelector })
    return slices.some(({ endpoints }) =>
      endpoints?.some(({ conditions }) => conditions?.ready !== false),
    )
  }
}
