import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import { routeName, routes } from '../../platforms/kubernetes/names.ts'
import { type Route, withGreen } from '../../platforms/kubernetes/route.ts'
import { ConfigMapStore } from '../../platforms/kubernetes/store.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import { latchOf } from '../../rollout/observation.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import type { Weights } from '../../rollout/weights.ts'
import type { TestCluster } from '../beds/kubernetes/test-cluster.ts'
import { installStandIn } from '../standins/install-stand-in.ts'
import { ApiGate } from './api-gate.ts'
import { EngineStack, type Result } from './engine-stack.ts'

/** A stack on the real engine and a real API server, whose requests a test may hold. */
export class ClusterStack extends EngineStack {
  readonly cluster: TestCluster
  readonly place: { name: string; namespace: string }
  readonly platform: KubernetesPlatform
  /** Between the engine and the API server. */
  readonly gate: ApiGate
  protected override readonly pollMs = 200

  private constructor(folder: string, cluster: TestCluster, gate: ApiGate) {
    const { namespace } = cluster
    super(
      folder,
      { 'sluice:platform': 'kubernetes', 'sluice:namespace': namespace },
      // The plugin of a cluster that somebody has is where their engine keeps it.
      { KUBECONFIG: gate.kubeconfig, ...(cluster.standIn ? {} : pulumiHome()) },
    )
    this.cluster = cluster
    this.gate = gate
    this.place = { name: 'e2e', namespace }
    this.platform = new KubernetesPlatform(cluster.api, this.place)
  }

  /** Makes the stack; nothing is deployed yet. */
  static async create(cluster: TestCluster, plan: PlanInput): Promise<ClusterStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
    if (cluster.standIn) installStandIn('kubernetes', join(folder, 'pulumi'))
    const gate = await ApiGate.open(cluster.kubeconfig, join(folder, 'kubeconfig'))
    const stack = new ClusterStack(folder, cluster, gate)
    await stack.begin(plan)
    return stack
  }

  /** The latch's number of trips plus one, from where the last one landed. */
  async nextAttempt(): Promise<Result> {
    const { trips, trip } = await this.latch()
    return this.set({ step: trip?.landing ?? 'start', attempt: trips + 1 }).up()
  }

  /** The HTTPRoute of the first service. */
  get routePath(): string {
    return `${routes(this.place)}/${routeName(this.place, Object.keys(this.plan.services)[0]!)}`
  }

  /** Writes the weights past everything, as another hand does. */
  async writeRoute(weights: Weights, fieldManager: string): Promise<void> {
    const { api } = this.cluster
    const route = await api.get<Route>(this.routePath)
    const spec = { rules: withGreen(route, weights) }
    await api.patch(this.routePath, 'merge', { spec }, { fieldManager })
  }

  /** Waits until the hook has latched and green is at 0. */
  async untilRolledBack(): Promise<void> {
    await this.until(
      'the latch',
      async () => latchOf(await this.platform.observe())?.latched === true,
    )
    await this.until('green at 0', async () => (await this.green()) === 0)
  }

  /** What the history tells, oldest first. */
  events(): Promise<RolloutEvent[]> {
    return new ConfigMapStore(this.cluster.api, this.place).readEvents()
  }

  close(): void {
    this.gate.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function pulumiHome(): NodeJS.ProcessEnv {
  return { PULUMI_HOME: process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi') }
}
