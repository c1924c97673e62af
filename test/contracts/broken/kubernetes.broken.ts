// Not one of the tests: broken.test.ts runs it and sees it fail.
import { BedCluster } from '../../beds/kubernetes/cluster.ts'
import { describePlatform } from '../contract.ts'
import { openKubernetesBed } from '../kubernetes-bed.ts'
import { withoutLatch } from './without-latch.ts'

describePlatform('kubernetes without its latch', async () => {
  const bed = await openKubernetesBed(await BedCluster.start())
  return { ...bed, platform: withoutLatch(bed.platform) }
})
