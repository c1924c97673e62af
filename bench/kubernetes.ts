// Measures the cluster of the tests: node bench/kubernetes.ts. Requests lost while weights change, the
// time from a write to users, and the time from green's first bad answer to its last.
import { setTimeout as pause } from 'node:timers/promises'
import { startLoad } from '../examples/load.ts'
import { GatewayProbe } from '../platforms/kubernetes/probe.ts'
import { RouteRouter } from '../platforms/kubernetes/router.ts'
import { Refused } from '../platforms/platform.ts'
import { latchOf } from '../rollout/observation.ts'
import { split } from '../rollout/weights.ts'
import { BACKUP, SERVICE } from '../test/contracts/contract.ts'
import { type KubernetesBed, openKubernetesBed } from '../test/contracts/kubernetes-bed.ts'

const REQUESTS = 100_000
const RUNS = 10
const WAYS = [5, 10, 25, 50, 100, 0, 100, 0]

const bed = await openKubernetesBed()
const address = `http://127.0.0.1:${bed.cluster.ports.gateway}`
try {
  await changes(bed)
  await detection(bed)
} finally {
  await bed.teardown()
}

/** Weights go up and down under load. */
async function changes({ cluster, place }: KubernetesBed): Promise<void> {
  const probe = new GatewayProbe({ address, path: () => '/healthz' })
  const router = new RouteRouter({ api: cluster.api, place, probe })
  let failed = 0
  let over = false
  const load = startLoad({
    url: address,
    rate: 1_100,
    seconds: 600,
    maximumRequests: REQUESTS,
    onAnswer: ({ status }) => {
      if (status !== 200) failed++
    },
  })
  void load.done.then(() => {
    over = true
  })
  const took: number[] = []
  while (!over) {
    const green = WAYS[took.length % WAYS.length] as number
    const since = performance.now()
    await router.write({ [SERVICE]: split(green) })
    took.push(performance.now() - since)
    await pause(1_500)
  }
  await router.write({ [SERVICE]: split(0) })
  const { sent } = await load.done
  console.log(`${sent} requests, ${took.length} changes: ${failed} failed`)
  console.log(`from the write to what users get, ms: ${summary(took)}`)
}

/** Green answers nothing but errors at 10 % of 200 requests a second. */
async function detection(bed: KubernetesBed): Promise<void> {
  const bad: number[] = []
  const load = startLoad({
    url: address,
    rate: 200,
    seconds: 900,
    onAnswer: ({ at, status }) => {
      if (status === 0 || status >= 500) bad.push(at)
    },
  })
  await go(bed, 'start', 1, true)
  await bed.platform.backup(BACKUP, bed.plan, () => {})
  const seconds: number[] = []
  for (let run = 1; run <= RUNS; run++) {
    if (run > 1) await go(bed, 'start', run)
    await go(bed, 'shop@10', run)
    bad.length = 0
    await bed.breakGreen()
    for (const until = performance.now() + 60_000; performance.now() < until; await pause(100)) {
      const latched = latchOf(await bed.platform.observe())?.latched
      if (latched && (await bed.platform.readWeights())[SERVICE]?.green === 0) break
    }
    await pause(1_500)
    seconds.push(((bad.at(-1) ?? 0) - (bad[0] ?? 0)) / 1_000)
    await bed.mendGreen()
  }
  await load.stop()
  console.log(`seconds from the first bad answer to the last, ${RUNS} runs: ${summary(seconds, 2)}`)
}

async function go(bed: KubernetesBed, position: string, attempt: number, first = false) {
  const { platform, plan, planHash, clock } = bed
  const request = { plan, planHash, position, attempt, confirmed: [], clock }
  for (;;) {
    try {
      const admission = await platform.admit(request, first ? undefined : Math.max(1, attempt - 1))
      for (const [service, weights] of Object.entries(admission.permitted)) {
        await platform.setWeights(service, weights)
      }
      await platform.verify(request)
      return
    } catch (error) {
      if (!(error instanceof Refused) || error.refusals.length === 0) throw error
      await pause(200)
    }
  }
}

function summary(values: number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)]?.toFixed(digits)
  return `median ${at(0.5)}, least ${at(0)}, most ${at(1)}`
}
