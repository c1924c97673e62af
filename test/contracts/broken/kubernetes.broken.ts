// Not one of the tests: broken.test.ts runs it and sees it fail.
import { describePlatform } from '../contract.ts'
import { openKubernetesBed } from '../kubernetes-bed.ts'
import { withoutLatch } from './without-latch.ts'

describePlatform('kubernetes without its latch', async () => {
  const bed = await openKubernetesBed()
  return { ...bed, platform: withoutLatch(bed.platform) }
})
