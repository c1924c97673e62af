import { followingFlags } from '../../../rollout/flag-file.ts'
import type { Colour, ColourName, Plan } from '../../../rollout/plan.ts'
import { kubernetesPart } from '../../../rollout/schema/kubernetes.ts'
import { colourOf } from '../../../rollout/services.ts'
import type { Weights } from '../../../rollout/weights.ts'
import { existingBackend } from '../existing.ts'
import {
  ACCESS_HEADER,
  BUCKET_HEADER,
  backendName,
  COLOUR_BUCKETS,
  COLOUR_HEADER,
  COLOUR_LABEL,
  FIELD_MANAGER,
  type Place,
  ROLLOUT_LABEL,
  routeName,
  SERVICE_LABEL,
} from '../names.ts'
import {
  flagsIn,
  literal,
  type Manifest,
  metadata,
  RESTRICTED,
  scraped,
  USER,
  variables,
  variablesFrom,
} from './common.ts'

/** A pod that ends serves on until every gateway has heard of it. */
const DRAIN_SECONDS = 5

/** One colour of a service: its Deployment, its disruption budget and its Service. */
export function colourManifests(
  place: Place,
  plan: Plan,
  service: string,
  colour: ColourName,
): Manifest[] {
  const found = plan.services[service]
  const own = found && colourOf(found, colour)
  if (!found || !own || own.existing !== undefined) return []
  const name = backendName(place, service, colour)
  const [of = service, its = colour] = own.servedBy?.split('.') ?? []
  const selector = {
    [ROLLOUT_LABEL]: place.name,
    [SERVICE_LABEL]: of,
    [COLOUR_LABEL]: its,
  }
  const labels = { [SERVICE_LABEL]: service, [COLOUR_LABEL]: colour }
  // The gateway counts by Service: a colour that another's process answers for has its own.
  const behind: Manifest = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: metadata(place, name, labels),
    spec: { selector, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
  }
  if (own.servedBy !== undefined) return [behind]
  return [
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: metadata(place, name, labels),
      spec: {
        replicas: kubernetesPart(plan).replicas,
        strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: selector },
        template: {
          metadata: {
            labels: selector,
            ...(found.metrics === undefined
              ? {}
              : { annotations: scraped(Number(own.port), found.metrics) }),
          },
          spec: {
            automountServiceAccountToken: false,
            terminationGracePeriodSeconds: DRAIN_SECONDS + 25,
            securityContext: USER,
            containers: [container(place, plan, own, found.health)],
            volumes: [flagsIn(place).volume],
          },
        },
      },
    },
    {
      apiVersion: 'policy/v1',
      kind: 'PodDisruptionBudget',
      metadata: metadata(place, name, labels),
      spec: { maxUnavailable: 1, selector: { matchLabels: selector } },
    },
    behind,
  ]
}

function container(
  place: Place,
  plan: Plan,
  { image, command, port, environment }: Colour,
  health: string,
) {
  const { secret } = kubernetesPart(plan)
  const flags = flagsIn(place)
  return {
    name: 'service',
    image,
    ...(command ? { command: command.map(literal) } : {}),
    ports: [{ name: 'http', containerPort: port }],
    env: [
      { name: 'HOST', value: '0.0.0.0' },
      { name: 'PORT', value: String(port) },
      flags.variable,
      ...variables(environment, secret),
    ],
    envFrom: variablesFrom(secret),
    volumeMounts: [flags.mount],
    readinessProbe: {
      httpGet: { path: health, port: 'http' },
      periodSeconds: 2,
      failureThreshold: 2,
    },
    lifecycle: { preStop: { sleep: { seconds: DRAIN_SECONDS } } },
    securityContext: RESTRICTED,
  }
}

/**
 * The route of a service at given weights: the requests that ask for a colour by name, which is how
 * green is looked at while it has no weight, and then everybody.
 * @param weights of the last rule; a Pulumi program hands in outputs
 */
export function routeManifest<W>(
  place: Place,
  plan: Plan,
  service: string,
  weights: { [C in keyof Weights]: W },
): Manifest {
  const { gateway, gatewayNamespace, hostnames } = kubernetesPart(plan)
  const { routes, blue } = plan.services[service]!
  const colours: ColourName[] = blue === 'none' ? ['green'] : ['blue', 'green']
  const paths = routes.map((value) => ({ path: { type: 'PathPrefix', value } }))
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: {
      ...metadata(place, routeName(place, service), { [SERVICE_LABEL]: service }),
      annotations: {
        // Pulumi applies as the one who also rolls back: the rules are one field with one owner.
        'pulumi.com/patchFieldManager': FIELD_MANAGER,
        // A hand that once wrote the weights must not hold up a step back. A rise over weights that it
        // changed is refused before, as they are not those that were verified.
        'pulumi.com/patchForce': 'true',
      },
    },
    spec: {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name: gateway,
          ...(gatewayNamespace === undefined ? {} : { namespace: gatewayNamespace }),
        },
      ],
      ...(hostnames === undefined ? {} : { hostnames }),
      rules: [
        ...colours.map((colour) => ({
          matches: paths.map((match) => ({
            ...match,
            headers: [{ type: 'Exact', name: ACCESS_HEADER, value: colour }],
          })),
          backendRefs: [{ ...backend(place, plan, service, colour), weight: 1 }],
        })),
        {
          matches: paths,
          backendRefs: colours.map((colour) => ({
            ...backend(place, plan, service, colour),
            weight: weights[colour],
          })),
        },
      ],
    },
  }
}

function backend(place: Place, plan: Plan, service: string, colour: ColourName) {
  const own = plan.services[service] && colourOf(plan.services[service], colour)
  return {
    group: '',
    kind: 'Service',
    name: existingBackend(plan, place, service, colour),
    port: own?.existing === undefined ? 80 : Number(own.port),
    filters: [
      ...(followingFlags(plan).length > 0
        ? [
            {
              type: 'RequestHeaderModifier',
              requestHeaderModifier: {
                set: [{ name: BUCKET_HEADER, value: COLOUR_BUCKETS[colour] }],
              },
            },
          ]
        : []),
      {
        type: 'ResponseHeaderModifier',
        responseHeaderModifier: { set: [{ name: COLOUR_HEADER, value: colour }] },
      },
    ],
  }
}
