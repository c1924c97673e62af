import type { TestCluster } from './test-cluster.ts'

/** What is said of a cluster that somebody has. */
export type GivenSettings = Pick<
  TestCluster,
  'kubeconfig' | 'address' | 'prometheus' | 'part' | 'examples' | 'runner' | 'standIn'
> & {
  /** Of a superuser of the server. */
  postgres: string
}

/** What must be said, each with what it is. */
const NEEDED = {
  SLUICE_KUBECONFIG: 'the kubeconfig of somebody who may make namespaces and admission policies',
  SLUICE_GATEWAY:
    'the Gateway, as <namespace>/<name>; it takes routes from every namespace and for every host',
  SLUICE_GATEWAY_ADDRESS: 'where it is reached from here, such as http://gateway.example',
  SLUICE_GATEWAY_METRICS:
    "Traefik's metrics as pods reach them, such as http://traefik.traefik:9100",
  SLUICE_PROMETHEUS:
    'Prometheus as pods reach it; it scrapes pods annotated prometheus.io/scrape at least once a second, and takes PrometheusRules of every namespace',
  SLUICE_EXAMPLES_IMAGE:
    'an image with Node 24 and this checkout, which the example services run in',
  SLUICE_RUNNER_IMAGE: "an image with Node 24 and PostgreSQL's client, which backups are taken in",
  SLUICE_POSTGRES:
    'postgres://… of a superuser, at an address that pods and this process reach; databases are made there and dropped',
} as const

/**
 * Reads what the environment says of a cluster that somebody has.
 * @throws Error with everything that is missing, and what it is
 */
export function givenSettings(environment: NodeJS.ProcessEnv): GivenSettings {
  const missing = Object.entries(NEEDED).filter(([name]) => !environment[name])
  if (missing.length > 0) {
    const lines = missing.map(([name, what]) => `  ${name}: ${what}`)
    throw new Error(
      `the tests on a cluster of yours need more variables:\n${lines.join('\n')}\n(without SLUICE_KUBECONFIG they start a cluster of their own)`,
    )
  }
  const say = (name: keyof typeof NEEDED) => environment[name] as string
  const [namespace, gateway, ...more] = say('SLUICE_GATEWAY').split('/')
  if (!namespace || !gateway || more.length > 0) {
    throw new Error(
      `SLUICE_GATEWAY: "${say('SLUICE_GATEWAY')}" is no Gateway; give <namespace>/<name>`,
    )
  }
  const address = say('SLUICE_GATEWAY_ADDRESS').replace(/\/$/, '')
  return {
    kubeconfig: say('SLUICE_KUBECONFIG'),
    address,
    prometheus: environment['SLUICE_PROMETHEUS_ADDRESS'],
    part: {
      gateway,
      gatewayNamespace: namespace,
      address: environment['SLUICE_GATEWAY_INSIDE'] ?? address,
      metrics: say('SLUICE_GATEWAY_METRICS'),
      prometheus: say('SLUICE_PROMETHEUS'),
      operator: true,
      image: environment['SLUICE_HOOK_IMAGE'] ?? 'node:24-slim',
    },
    examples: {
      image: say('SLUICE_EXAMPLES_IMAGE'),
      folder: environment['SLUICE_EXAMPLES_FOLDER'] ?? '/sluice',
    },
    runner: say('SLUICE_RUNNER_IMAGE'),
    standIn: false,
    postgres: say('SLUICE_POSTGRES'),
  }
}
