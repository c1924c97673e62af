import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KubernetesPlatform } from '../../platforms/kubernetes/client.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import type { BedCluster } from '../beds/kubernetes/cluster.ts'
import { installKubernetesStandIn } from '../standins/install-kubernetes-stand-in.ts'
import { EngineStack, type Result } from './engine-stack.ts'

/** A stack on the real engine and a real cluster. */
export class ClusterStack extends EngineStack {
  readonly cluster: BedCluster
  readonly place = { name: 'e2e', namespace: 'default' }
  readonly platform: KubernetesPlatform
  protected override readonly pollMs = 200

  private constructor(folder: string, cluster: BedCluster) {
    super(folder, { 'sluice:platform': 'kubernetes' }, { KUBECONFIG: cluster.kubeconfig })
    this.cluster = cluster
    this.platform = new KubernetesPlatform(cluster.api, this.place)
  }

  /** Makes the stack; nothing is deployed yet. */
  static async create(cluster: BedCluster, plan: PlanInput): Promise<ClusterStack> {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-e2e-'))
    installKubernetesStandIn(join(folder, 'pulumi'))
    const stack = new ClusterStack(folder, cluster)
    await stack.begin(plan)
    return stack
  }

  override step(position: string, seconds = 90): Promise<Result> {
    return super.step(position, seconds)
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
