import { Unavailable } from '../platform.ts'
import type { ClusterApi, ClusterObject } from './api.ts'
import { endpointSlices, type Place } from './names.ts'

export type EndpointSlice = ClusterObject & {
  addressType?: string
  ports?: { name?: string; port?: number }[] | null
  endpoints?: { addresses?: string[]; conditions?: { ready?: boolean } }[] | null
}

/**
 * Where each ready pod behind a Service answers, as http addresses without a path: each pod itself,
 * as what one of them keeps the others do not know.
 * @param port of the Service, where it has several
 * @throws Unavailable where none is ready
 */
export async function podAddresses(
  api: ClusterApi,
  place: Place,
  service: string,
  port?: number,
): Promise<string[]> {
  const labelSelector = `kubernetes.io/service-name=${service}`
  const slices = await api.list<EndpointSlice>(endpointSlices(place), { labelSelector })
  const found = addressesIn(slices, port)
  if (found.length > 0) return found
  throw new Unavailable(
    `no pod behind the Service ${service} is ready; next: kubectl get pods -n ${place.namespace}`,
  )
}

/** See {@link podAddresses}; in the order of their addresses. Pure. */
export function addressesIn(slices: readonly EndpointSlice[], port?: number): string[] {
  const found = slices.flatMap(({ addressType, ports, endpoints }) => {
    const [only, ...others] = ports ?? []
    const chosen = others.length === 0 ? only : ports?.find((each) => each.port === port)
    if (chosen?.port === undefined || addressType === 'FQDN') return []
    return (endpoints ?? [])
      .filter(({ conditions }) => conditions?.ready !== false)
      .flatMap(({ addresses = [] }) => addresses)
      .map((address) => `http://${address.includes(':') ? `[${address}]` : address}:${chosen.port}`)
  })
  return [...new Set(found)].sort()
}
