import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { ClusterApi, type ClusterObject } from '../../../platforms/kubernetes/api.ts'
import { pathOf } from '../../../platforms/kubernetes/kinds.ts'
import { kubeconfigAccess } from '../../../platforms/kubernetes/kubeconfig.ts'
import { GivenDatabase } from './given-database.ts'
import { type GivenSettings, givenSettings } from './given-settings.ts'
import { relay } from './relay.ts'
import type { TestCluster, TestDatabase } from './test-cluster.ts'

type Carried = Awaited<ReturnType<typeof relay>>

const GONE_MS = 120_000
const POLICIES = ['ValidatingAdmissionPolicyBinding', 'ValidatingAdmissionPolicy']

/** A cluster that somebody has, by its kubeconfig: a namespace of the tests' own in it. */
export class GivenCluster implements TestCluster {
  readonly api: ClusterApi
  readonly kubeconfig: string
  readonly namespace: string
  readonly address: string
  readonly prometheus: string | undefined
  readonly part: TestCluster['part']
  readonly examples: TestCluster['examples']
  readonly runner: string
  readonly standIn: boolean
  readonly #settings: GivenSettings
  readonly #carried: Carried

  private constructor(settings: GivenSettings, carried: Carried) {
    this.#settings = settings
    this.#carried = carried
    this.api = new ClusterApi(kubeconfigAccess(undefined, settings.kubeconfig))
    this.kubeconfig = settings.kubeconfig
    this.namespace = `sluice-test-${randomBytes(4).toString('hex')}`
    this.address = `http://127.0.0.1:${carried.port}`
    this.prometheus = settings.prometheus
    this.part = settings.part
    this.examples = settings.examples
    this.runner = settings.runner
    this.standIn = settings.standIn
  }

  /**
   * Makes the namespace, and the claim of each name in it.
   * @throws Error with all that the environment lacks
   */
  static async open(
    environment: NodeJS.ProcessEnv = process.env,
    claims: string[] = [],
  ): Promise<GivenCluster> {
    const settings = givenSettings(environment)
    const { hostname: host, port } = new URL(settings.address)
    // Load is sent to loopback only: what is not there is carried there.
    const carried = await relay({ port: 0 }, { host, port: Number(port || 80) })
    const cluster = new GivenCluster(settings, carried)
    const { api, namespace } = cluster
    await api.create('/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: namespace, labels: { 'sluice.dev/test': 'true' } },
    })
    for (const name of claims) {
      await api.create(`/api/v1/namespaces/${namespace}/persistentvolumeclaims`, {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name },
        spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
      })
    }
    return cluster
  }

  openDatabase(names: string[]): Promise<TestDatabase> {
    return GivenDatabase.open(this.#settings.postgres, this.namespace, names)
  }

  /** Takes away what the tests have made: the namespace, and the policies of its rollouts. */
  async close(): Promise<void> {
    this.#carried.close()
    for (const kind of POLICIES) {
      const path = pathOf(kind, this.namespace)
      for (const { metadata } of await this.api.list<ClusterObject>(path)) {
        if (metadata.name.startsWith(`sluice-${this.namespace}-`)) {
          await this.api.delete(`${path}/${metadata.name}`)
        }
      }
    }
    const path = `/api/v1/namespaces/${this.namespace}`
    await this.api.delete(path)
    // The next test's routes must not meet these at the gateway.
    for (const until = performance.now() + GONE_MS; await this.api.find(path); await pause(500)) {
      if (performance.now() > until) throw new Error(`namespace ${this.namespace} does not end`)
    }
  }
}
