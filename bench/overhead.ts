import { freePorts } from '../test/e2e/free-ports.ts'
import { TestStack } from '../test/e2e/test-stack.ts'
import { count, median } from './figures.ts'
import { deploy, move } from './moves.ts'
import { startNginx } from './nginx.ts'
import { type Section, table } from './results.ts'
import type { BenchOptions } from './run.ts'
import { StandIn } from './stand-in.ts'
import { failedOf, startWrk, type WrkResult } from './wrk.ts'

const WEIGHT = 25

/** What the router costs a request. */
export async function overhead({ quick, say }: BenchOptions): Promise<Section> {
  const [rounds, seconds] = quick ? [1, 2] : [3, 6]
  const standIn = await StandIn.start()
  const stack = await TestStack.create((plan) => standIn.planned(plan))
  let stopNginx: (() => Promise<void>) | undefined
  try {
    const port = await freePorts(1)
    stopNginx = await startNginx(standIn.folder, port, standIn.ports)
    say('deploys')
    await deploy(stack)
    await warmUp(stack)
    const ways = [
      { name: 'direct', url: standIn.url('blue') },
      { name: 'nginx, split_clients, no log', url: `http://127.0.0.1:${port}` },
      { name: 'the router, its log to the hook', url: stack.url },
    ]
    const results = new Map<string, WrkResult[]>()
    for (let round = 1; round <= rounds; round++) {
      for (const connections of [1, 32]) {
        for (const { name, url } of ways) {
          const result = await startWrk(url, connections, seconds).done
          if (failedOf(result) > 0) throw new Error(`${name}: ${failedOf(result)} failed`)
          const key = `${name} ${connections}`
          results.set(key, [...(results.get(key) ?? []), result])
          say(`${round}/${rounds} ${key}: p50 ${result.p50} µs, p99 ${result.p99} µs`)
        }
      }
    }
    return report(ways, results, rounds, seconds)
  } finally {
    await stopNginx?.()
    await stack.close()
    await standIn.close()
  }
}

/** Up to the weight that is measured, with the answers that each step asks for. */
async function warmUp(stack: TestStack): Promise<void> {
  const wrk = startWrk(stack.url, 1, 120)
  try {
    for (const weight of [5, 10, WEIGHT]) await move(stack, `huntred@${weight}`)
  } finally {
    wrk.stop()
    await wrk.done
  }
}

function report(
  ways: { name: string }[],
  results: Map<string, WrkResult[]>,
  rounds: number,
  seconds: number,
): Section {
  const rows = ways.map(({ name }) => [
    name,
    ...[1, 32].flatMap((connections) => {
      const all = results.get(`${name} ${connections}`)!
      return [
        `${median(all.map(({ p50 }) => p50))} µs`,
        `${median(all.map(({ p99 }) => p99))} µs`,
        count(median(all.map(({ requests, us }) => (requests / us) * 1e6))),
      ]
    }),
  ])
  return {
    title: 'What the router costs a request',
    parts: [
      `wrk at full speed on the same two cores, green at ${WEIGHT} %; the median of ${rounds} rounds of ${seconds} s each, in turn.`,
      table(
        ['', 'p50, 1 connection', 'p99', 'a second', 'p50, 32 connections', 'p99', 'a second'],
        rows,
      ),
    ],
  }
}
