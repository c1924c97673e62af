import { z } from 'zod'
import { environment, httpUrl } from './words.ts'

/** The name of an object in a cluster. */
export const objectName = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, {
  error: 'give the name of an object in the cluster: lower-case letters, digits, - and .',
})

export const kubernetes = z.strictObject({
  gateway: objectName.default('gateway').describe('the Gateway that the routes attach to'),
  gatewayNamespace: objectName.optional().describe("default: the rollout's own"),
  hostnames: z.array(z.string().min(1)).min(1).optional().describe('default: every host'),
  address: httpUrl
    .optional()
    .describe(
      'where the hook reaches the gateway: each change is then seen at the data plane before it counts; without it the status alone has to do',
    ),
  metrics: z
    .union([httpUrl, z.array(httpUrl).min(1)])
    .default('http://traefik.traefik:9100')
    .describe(
      "the gateway's own metrics, as Traefik gives them at /metrics; with several replicas the name of a headless Service, or a list: each is read for itself",
    ),
  prometheus: httpUrl.default('http://prometheus-operated.monitoring:9090'),
  operator: z
    .boolean()
    .default(false)
    .describe(
      'true: a PrometheusRule and PodMonitors; false: a rule file in a ConfigMap, and annotations of pods',
    ),
  replicas: z.int().min(1).default(2).describe('of each colour'),
  image: z.string().min(1).default('node:24-slim').describe('what the hook runs in: any Node 24'),
  secret: objectName
    .optional()
    .describe('the Secret whose keys are the variables that env: names in the plan'),
  claim: objectName
    .optional()
    .describe('the PersistentVolumeClaim that backups are kept in; needed where the plan has any'),
  environment: environment.describe('given to the hook as it is'),
})

/** The part of a plan as it is used; all defaults where the plan has none. */
export type KubernetesPart = z.output<typeof kubernetes>

export function kubernetesPart(plan: { kubernetes?: KubernetesPart }): KubernetesPart {
  return plan.kubernetes ?? kubernetes.parse({})
}

export const runner = z
  .strictObject({ image: z.string().min(1) })
  .describe('what commands and backups run in, on platforms that are no host; has pg_dump')
