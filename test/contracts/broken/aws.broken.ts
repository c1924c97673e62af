// Not one of the tests: broken.test.ts runs it and sees it fail.
import { clientsOf } from '../../../platforms/aws/clients.ts'
import { readLayout } from '../../../platforms/aws/layout.ts'
import { AlbRouter } from '../../../platforms/aws/router.ts'
import type { Weights } from '../../../rollout/weights.ts'
import { openAwsBed } from '../aws-bed.ts'
import { describePlatform } from '../contract.ts'

/** The platform on AWS with one promise broken: a weight is set whatever was admitted. */
describePlatform('aws, broken', async () => {
  const bed = await openAwsBed()
  const clients = clientsOf({})
  const layout = await readLayout(clients.parameters, bed.plan.name)
  if (!layout) throw new Error('no layout')
  const router = new AlbRouter(clients.balancer, layout)
  bed.platform.setWeights = async (service: string, weights: Weights) => {
    await router.write({ [service]: weights })
    return weights
  }
  return bed
})
