import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import type { TestCluster } from '../beds/kubernetes/test-cluster.ts'
import { installKubernetesStandIn } from '../standins/install-kubernetes-stand-in.ts'
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
    if (cluster.standIn) installKubernetesStandIn(join(folder, 'pulumi'))
    const gate = await ApiGate.open(cluster.kubeconfig, join(folder, 'kubeconfig'))
    const stack = new ClusterStack(folder, cluster, gate)
    await stack.begin(plan)
    return stack
  }

  override step(position: string, seconds = 90): Promise<Result> {
    return super.step(position, seconds)
  }

  close(): void {
    this.gate.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

function pulumiHome(): NodeJS.ProcessEnv {
  return { PULUMI_HOME: process.env['PULUMI_HOME'] ?? join(homedir(), '.pulumi') }
}
