import { type ServiceWeights, split, type Weights } from '../../rollout/weights.ts'
import type { ClusterObject, ManagedFields } from './api.ts'
import { FIELD_MANAGER, SERVICE_LABEL } from './names.ts'

/** An HTTPRoute as it is read and written. Pure. */

export interface BackendRef {
  name: string
  namespace?: string
  port?: number
  weight?: number
  filters?: unknown[]
}

export interface RouteRule {
  name?: string
  matches?: unknown[]
  filters?: unknown[]
  backendRefs?: BackendRef[]
}

export interface RouteParent {
  controllerName: string
  parentRef: { name: string; namespace?: string }
  conditions?: {
    type: string
    status: string
    reason?: string
    message?: string
    observedGeneration?: number
  }[]
}

export interface Route extends ClusterObject {
  spec: { parentRefs?: object[]; hostnames?: string[]; rules?: RouteRule[] }
  status?: { parents?: RouteParent[] }
}

/** The service that a route belongs to. */
export function serviceOf(route: Route): string | undefined {
  return route.metadata.labels?.[SERVICE_LABEL]
}

/** Green is the last backend of the rule that every user comes to; blue, where there is one, the first. */
function shared(route: Route): RouteRule | undefined {
  return route.spec.rules?.at(-1)
}

/** What the route gives each colour, in percent. Weights are shares: 1 and 3 are 25 and 75. */
export function weightsIn(route: Route): Weights {
  const refs = shared(route)?.backendRefs ?? []
  const green = refs.at(-1)?.weight ?? 1
  const all = refs.reduce((sum, { weight = 1 }) => sum + weight, 0)
  return split(all === 0 ? 0 : (green / all) * 100)
}

export function weightsOf(routes: readonly Route[]): ServiceWeights {
  return Object.fromEntries(
    routes.flatMap((route) => {
      const service = serviceOf(route)
      return service === undefined ? [] : [[service, weightsIn(route)]]
    }),
  )
}

/** The rules with another share of green. */
export function withGreen(route: Route, { blue, green }: Weights): RouteRule[] {
  const rules = route.spec.rules ?? []
  return rules.map((rule, at) => {
    if (at !== rules.length - 1) return rule
    const refs = rule.backendRefs ?? []
    return {
      ...rule,
      backendRefs: refs.map((ref, index) => ({
        ...ref,
        weight: index === refs.length - 1 ? green : blue,
      })),
    }
  })
}

/**
 * Whether every gateway has taken this very generation.
 * @returns why not; undefined where all have
 */
export function notAccepted(route: Route): string | undefined {
  const parents = route.status?.parents ?? []
  if (parents.length === 0) return 'no gateway has taken it yet'
  const generation = route.metadata.generation ?? 0
  for (const { controllerName, conditions = [] } of parents) {
    for (const type of ['Accepted', 'ResolvedRefs']) {
      const found = conditions.find((condition) => condition.type === type)
      if (!found) return `${controllerName} says nothing of ${type}`
      if ((found.observedGeneration ?? 0) < generation) {
        return `${controllerName} stands at generation ${found.observedGeneration}, the route at ${generation}`
      }
      if (found.status !== 'True') {
        return `${controllerName}: ${type} is ${found.status}, ${found.reason}: ${found.message}`
      }
    }
  }
  return undefined
}

/** Who the API server says has what stood before anybody's first apply: nobody. */
const NOBODY = 'before-first-apply'

/** How a route whose weights another owns is made ours again, in words for people. */
export const takeBack = (namespace: string, name: string) =>
  `take it off the route if it is a controller, and in any case type kubectl patch httproute -n ${namespace} ${name} --type=merge -p '{"metadata":{"managedFields":[{}]}}', which forgets who wrote it`

/** Others than us who own the weights, by name. */
export function otherOwners(route: Route): string[] {
  const owns = ({ fieldsV1, subresource }: ManagedFields) => {
    const spec = fieldsV1?.['f:spec'] as Record<string, unknown> | undefined
    return subresource === undefined && spec?.['f:rules'] !== undefined
  }
  return (route.metadata.managedFields ?? [])
    .filter((entry) => owns(entry) && entry.manager !== FIELD_MANAGER)
    .filter(({ manager }) => manager !== NOBODY)
    .map(({ manager = 'somebody' }) => manager)
}

/** Of labels and annotations, those that are ours: what an apply leaves out, it takes off. */
export function ownMetadata({ metadata }: Route): object {
  const mine = metadata.managedFields?.find(
    ({ manager, operation, subresource }) =>
      manager === FIELD_MANAGER && operation === 'Apply' && subresource === undefined,
  )
  const fields = (mine?.fieldsV1?.['f:metadata'] ?? {}) as Record<string, object>
  const pick = (all: Record<string, string> | undefined, key: string) => {
    const own = Object.keys(fields[key] ?? {})
    const kept = Object.entries(all ?? {}).filter(([name]) => own.includes(`f:${name}`))
    return kept.length > 0 ? Object.fromEntries(kept) : undefined
  }
  return {
    labels: pick(metadata.labels, 'f:labels'),
    annotations: pick(metadata.annotations, 'f:annotations'),
  }
}
