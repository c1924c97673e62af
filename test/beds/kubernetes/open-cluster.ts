import { BedCluster } from './cluster.ts'
import { GivenCluster } from './given-cluster.ts'
import type { TestCluster } from './test-cluster.ts'

/**
 * The cluster that the tests run on: the bed, or with SLUICE_KUBECONFIG the one it leads to.
 * @param claims that backups are kept in
 */
export function openCluster(claims: string[] = []): Promise<TestCluster> {
  if (process.env['SLUICE_KUBECONFIG']) return GivenCluster.open(process.env, claims)
  return BedCluster.start()
}
