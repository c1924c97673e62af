import { setTimeout as wait } from 'node:timers/promises'
import { startLoad } from '../../examples/load.ts'
import { SERVICE } from '../../test/contracts/contract.ts'
import { count, interval999, median, milliseconds } from '../figures.ts'
import { type Section, table } from '../results.ts'
import type { BenchOptions } from '../run.ts'
import { BED, deployed, move } from './rollout.ts'

const STEPS = [5, 10, 25, 50, 100]
const RATE = 1_000
/** Answers of requests that were under way when the weight changed. */
const SETTLES = 400

interface Held {
  green: number
  of: number
}

/** Whether users get the share that is declared through the Gateway, and whether anybody notices. */
export async function kubernetesShares({ quick, say }: BenchOptions): Promise<Section> {
  const least = quick ? 1_000 : 5_200
  const rounds = quick ? 1 : 3
  const bed = await deployed({ steps: STEPS, minimumRequests: 20 })
  const seen = { green: 0, of: 0, failed: 0, unknown: 0 }
  const load = startLoad({
    url: bed.cluster.address,
    rate: RATE,
    seconds: 1_000,
    onAnswer: ({ status, version }) => {
      seen.of++
      if (status !== 200) seen.failed++
      if (version === 'green') seen.green++
      else if (version !== 'blue') seen.unknown++
    },
  })
  const answers = async (number: number): Promise<Held> => {
    const { green, of } = seen
    while (seen.of - of < number) await wait(20)
    return { green: seen.green - green, of: seen.of - of }
  }
  try {
    const held = new Map<string, Held>()
    const took: number[] = []
    const hold = async (name: string) => {
      await answers(SETTLES)
      const { green, of } = await answers(least)
      const before = held.get(name) ?? { green: 0, of: 0 }
      held.set(name, { green: before.green + green, of: before.of + of })
      say(`${name}: ${green} of ${of}`)
    }
    for (let round = 1; round <= rounds; round++) {
      await hold('0 %')
      for (const weight of STEPS) {
        took.push(await move(bed, `${SERVICE}@${weight}`))
        await hold(`${weight} %`)
      }
      took.push(await move(bed, 'start'))
    }
    await hold('0 % again')
    const { sent } = await load.stop()
    return report(held, took, sent, seen.failed)
  } finally {
    await load.stop()
    await bed.teardown()
  }
}

function report(held: Map<string, Held>, took: number[], sent: number, failed: number): Section {
  const percent = (share: number) => `${(share * 100).toFixed(3)} %`
  const rows = [...held].map(([name, { green, of }]) => {
    const { low, high } = interval999(green, of)
    const declared = Number.parseFloat(name) / 100
    const inside = declared >= low && declared <= high
    const interval = `${percent(low)} – ${percent(high)}`
    return [name, count(of), percent(green / of), interval, inside ? 'inside' : 'OUTSIDE']
  })
  return {
    title: 'In a cluster: shares, and requests that failed while they changed',
    parts: [
      `**${count(sent)} requests, ${count(failed)} failed** at ${count(RATE)} a second, through ${took.length} changes of the weight, each admitted, written by the hook and seen at the gateway; ${BED}. From the first write to the gateway seen to do it: ${milliseconds(median(took))} in the median, ${milliseconds(Math.max(...took))} at most.`,
      table(['declared', 'answers', 'green', '99.9 % interval', 'declared is'], rows),
      'Traefik deals requests out in turn by weight, so the shares are closer to the declared ones than chance would be; the interval is what chance alone allows.',
    ],
  }
}
