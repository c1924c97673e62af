import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, startLoad } from '../../examples/load.ts'
import { latchOf } from '../../rollout/observation.ts'
import { detectorFor, evidenceNeeded } from '../../rollout/sequential.ts'
import { SERVICE } from '../../test/contracts/contract.ts'
import type { KubernetesBed } from '../../test/contracts/kubernetes-bed.ts'
import { median, quantile, seconds } from '../figures.ts'
import { type Section, table } from '../results.ts'
import type { BenchOptions } from '../run.ts'
import { BED, deployed, move } from './rollout.ts'

const RATE = 100
const WEIGHT = 25
const SHARES = [1, 0.2]

/** Published or measured by their own means on the same fault: median, least and most, in seconds. */
const PEERS: [name: string, runs: number, ...figures: [number, number, number]][] = [
  ['Flagger 1.41, interval 1s (floored to 10 s), threshold 1', 8, 14.97, 10.59, 19.33],
  ['Flagger with a rollback webhook', 6, 4.99, 0.81, 9.11],
  ['Argo Rollouts 1.8.3, interval 1s, failureLimit 0, to the abort', 18, 0.96, 0.45, 2.02],
  ['Argo Rollouts 1.8.3, interval 100ms', 8, 0.58, 0.32, 0.79],
]

/** From green's first bad answer to its last, in a cluster, beside what others need. */
export async function kubernetesDetection({ quick, say }: BenchOptions): Promise<Section> {
  const runs = quick ? 2 : 10
  const bed = await deployed({
    steps: [WEIGHT, 100],
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
  })
  let answers: Answer[] = []
  const load = startLoad({
    url: bed.cluster.address,
    rate: RATE,
    seconds: 3_000,
    onAnswer: (answer) => {
      if (answer.version === 'green') answers.push(answer)
    },
  })
  try {
    const took = new Map<number, number[]>(SHARES.map((share) => [share, []]))
    for (let attempt = 1; attempt <= runs * SHARES.length; attempt++) {
      const share = SHARES[attempt % SHARES.length] as number
      if (attempt > 1) await move(bed, 'start', attempt)
      await move(bed, `${SERVICE}@${WEIGHT}`, attempt)
      // The detector looks back over what was well.
      await wait(2_000)
      answers = []
      await bed.failGreen(share)
      await untilRolledBack(bed)
      // What was in flight comes in.
      await wait(1_000)
      const first = answers.find(({ status }) => status >= 500)?.at ?? Number.NaN
      const last = answers.at(-1)?.at ?? Number.NaN
      took.get(share)?.push(last - first)
      say(`errors ${share * 100} %, attempt ${attempt}: ${seconds(last - first)}`)
      await bed.failGreen(0)
    }
    return report(bed, took, runs)
  } finally {
    await load.stop()
    await bed.teardown()
  }
}

async function untilRolledBack({ platform }: KubernetesBed): Promise<void> {
  for (const until = performance.now() + 60_000; performance.now() < until; await wait(50)) {
    const latched = latchOf(await platform.observe())?.latched
    if (latched && (await platform.readWeights())[SERVICE]?.green === 0) return
  }
  throw new Error('green was not rolled back within a minute')
}

function report({ plan }: KubernetesBed, took: Map<number, number[]>, runs: number): Section {
  const guardrail = plan.guardrails['errors']
  const detector = guardrail && detectorFor(guardrail)
  const own = [...took].map(([share, all]) => [
    `Sluice, errors ${share * 100} %`,
    runs,
    seconds(median(all)),
    seconds(Math.min(...all)),
    seconds(quantile(all, 0.95)),
    seconds(Math.max(...all)),
    detector ? Math.ceil(evidenceNeeded(detector, share).expected) : '-',
  ])
  const peers = PEERS.map(([name, of, ...figures]) => {
    const [middle, least, most] = figures.map((figure) => `${figure.toFixed(2)} s`)
    return [`${name}, errors 100 %`, of, middle, least, '-', most, '-'] as (string | number)[]
  })
  return {
    title: 'In a cluster: from the first bad answer to the last green one',
    parts: [
      `Green has ${WEIGHT} % of ${RATE} requests a second; one guardrail, errors above 5 %, without \`for\`; ${BED}. The two faults in turn. From green's first bad answer to the last answer that green gave to anybody, so that what was in flight counts; up to 0.2 s of it are between two looks at the gateway's counters.`,
      table(['', 'runs', 'median', 'least', 'p95', 'most', 'answers needed'], [...own, ...peers]),
      'The peers were measured on the same fault, rate and share on a bed of the same kind, at another time: to the end of the 500s, Argo Rollouts to its abort, which had no traffic router there (one of four replicas, the metric over the whole Service), so it is not quite alike.',
    ],
  }
}
