import { HaproxyRouter } from '../platforms/local/router.ts'
import { statusOf } from '../platforms/local/service-status.ts'
import { reloadService } from '../platforms/local/supervisor.ts'
import { TestStack } from '../test/e2e/test-stack.ts'
import { count, interval999 } from './figures.ts'
import { deploy, move } from './moves.ts'
import { type Section, table } from './results.ts'
import type { BenchOptions } from './run.ts'
import { StandIn } from './stand-in.ts'
import { failedOf, startWrk } from './wrk.ts'

const WEIGHTS = [0, 5, 10, 25, 50, 100, 0]
const CONNECTIONS = 32
/** Whatever happens, wrk ends. */
const LONGEST_SECONDS = 600

interface Held {
  weight: number
  green: number
  of: number
}

/** Whether users get the share that is declared, and whether anybody notices the changes. */
export async function shares({ quick, say }: BenchOptions): Promise<Section> {
  const least = quick ? 20_000 : 160_000
  const standIn = await StandIn.start()
  const stack = await TestStack.create((plan) => standIn.planned(plan))
  try {
    say('deploys')
    await deploy(stack)
    const wrk = startWrk(stack.url, CONNECTIONS, LONGEST_SECONDS)
    const held: Held[] = []
    try {
      for (const [index, weight] of WEIGHTS.entries()) {
        if (index > 0) await move(stack, weight === 0 ? 'start' : `huntred@${weight}`)
        const hold = holdFor(standIn, stack, weight, least)
        if (weight === 25) await killHook(stack)
        if (weight === 50) await reloadRouter(stack)
        const one = await hold
        held.push(one)
        say(`${weight} %: ${one.green} of ${one.of}`)
      }
    } finally {
      wrk.stop()
    }
    return report(held, await wrk.done)
  } finally {
    await stack.close()
    await standIn.close()
  }
}

/** Counts answers from when those of the former weight have come. */
async function holdFor(
  standIn: StandIn,
  stack: TestStack,
  weight: number,
  least: number,
): Promise<Held> {
  const total = ({ blue, green }: { blue: number; green: number }) => blue + green
  const answers = async (number: number) => {
    const from = await standIn.answered()
    let now = from
    const enough = async () => {
      now = await standIn.answered()
      return total(now) - total(from) >= number
    }
    await stack.until(`${number} answers at ${weight} %`, enough, 120)
    return { green: now.green - from.green, of: total(now) - total(from) }
  }
  await answers(10 * CONNECTIONS)
  return { weight, ...(await answers(least)) }
}

async function killHook(stack: TestStack): Promise<void> {
  const pid = () => statusOf(`${stack.layout.services}/hook`).pid
  const before = pid()
  process.kill(before as number, 'SIGKILL')
  await stack.until('the hook to be back', async () => {
    const { guard } = await stack.platform.observe()
    return guard.alive && pid() !== before
  })
}

async function reloadRouter({ layout }: TestStack): Promise<void> {
  await new HaproxyRouter(layout).reload(() => reloadService(layout, 'router', 'USR2'))
}

function report(held: Held[], wrk: Awaited<ReturnType<typeof startWrk>['done']>): Section {
  const percent = (share: number) => `${(share * 100).toFixed(3)} %`
  const rows = held.map(({ weight, green, of }) => {
    const { low, high } = interval999(green, of)
    const inside = weight / 100 >= low && weight / 100 <= high
    return [
      `${weight} %`,
      count(of),
      percent(green / of),
      `${percent(low)} – ${percent(high)}`,
      inside ? 'inside' : 'OUTSIDE',
    ]
  })
  const { connect, read, write, status, timeout } = wrk.failed
  return {
    title: 'Shares, and requests that failed while they changed',
    parts: [
      `**${count(wrk.requests)} requests, ${count(failedOf(wrk))} failed** (connect ${connect}, read ${read}, write ${write}, status ${status}, timeout ${timeout}) by wrk over ${CONNECTIONS} kept connections in ${count(wrk.us / 1e6)} s, through ${WEIGHTS.length - 1} changes of the weight, a kill -9 of the hook at 25 % and a reload of the router at 50 %; p99 ${(wrk.p99 / 1_000).toFixed(1)} ms, the slowest ${(wrk.max / 1_000).toFixed(0)} ms.`,
      table(['declared', 'answers', 'green', '99.9 % interval', 'declared is'], rows),
      'Each request is of another user, so that the share is binomial; the interval is what chance alone allows.',
    ],
  }
}
