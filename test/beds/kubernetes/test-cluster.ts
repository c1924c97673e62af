import type { ClusterApi } from '../../../platforms/kubernetes/api.ts'
import type { KubernetesPart } from '../../../rollout/schema/kubernetes.ts'

/** A cluster that tests deploy to: the bed, or one that somebody has. */
export interface TestCluster {
  readonly api: ClusterApi
  /** Of somebody who may do everything in the namespace, and make admission policies. */
  readonly kubeconfig: string
  /** The tests' own, with nothing in it at first. */
  readonly namespace: string
  /** The gateway as this process reaches it, without a path. */
  readonly address: string
  /** Prometheus as this process reaches it; undefined where it does not. */
  readonly prometheus?: string
  /** What the plan says of the cluster; addresses as pods reach them. */
  readonly part: Pick<
    KubernetesPart,
    'gateway' | 'address' | 'metrics' | 'prometheus' | 'operator' | 'image'
  > &
    Partial<Pick<KubernetesPart, 'gatewayNamespace'>>
  /** What the example services run in, and where this checkout stands there. */
  readonly examples: { image: string; folder: string }
  /** Node and PostgreSQL's client. */
  readonly runner: string
  /** True where the engine is to use a stand-in for its kubernetes plugin. */
  readonly standIn: boolean
  /** A PostgreSQL server that pods and this process reach, with these databases. */
  openDatabase(names: string[]): Promise<TestDatabase>
  close(): Promise<void>
}

/** A PostgreSQL server of a test cluster. */
export interface TestDatabase {
  /** The address of a database as a pod knows it. */
  url(database: string): string
  /** The same, as this process reaches it. */
  outside(database: string): string
  /** Takes its databases away. */
  down(): Promise<void>
  /** Gives them back; returns once they answer. */
  up(): Promise<void>
  close(): Promise<void>
}
