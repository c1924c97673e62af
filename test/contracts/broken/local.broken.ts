// Not one of the tests: broken.test.ts runs it and sees it fail.
import { describePlatform } from '../contract.ts'
import { openLocalBed } from '../local-bed.ts'
import { withoutLatch } from './without-latch.ts'

describePlatform('local without its latch', async () => {
  const bed = await openLocalBed()
  return { ...bed, platform: withoutLatch(bed.platform) }
})
