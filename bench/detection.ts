import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, type Load, startLoad } from '../examples/load.ts'
import { readEvents } from '../platforms/local/file-store.ts'
import { HaproxyRouter } from '../platforms/local/router.ts'
import { control, statusOf } from '../platforms/local/service-status.ts'
import { startService } from '../platforms/local/supervisor.ts'
import type { PlanInput } from '../rollout/plan.ts'
import {
  type Detector,
  detectorFor,
  evidenceNeeded,
  NO_EVIDENCE,
  step,
} from '../rollout/sequential.ts'
import { TestStack } from '../test/e2e/test-stack.ts'
import { count, median, quantile, seconds } from './figures.ts'
import { deploy, move } from './moves.ts'
import { type Section, table } from './results.ts'
import type { BenchOptions } from './run.ts'

const RATE = 200
const WEIGHT = 25
const GREEN_RATE = (RATE * WEIGHT) / 100
const SLOW_MS = 400
const GREEN = 'huntred-green'

/** What is done to green, and what is expected of the guard. */
interface Fault {
  name: string
  /** The median to reach, in ms. */
  mark: number
  faults?: Record<string, number>
  signal?: 'SIGKILL' | 'SIGSTOP'
  /** The share of green's answers that is bad, and the guardrail that counts them. */
  bad?: { share: number; guardrail: string }
  isBad(answer: Answer): boolean
}

const isError = ({ status, version }: Answer) => version === 'v2' && status >= 500
const isSlow = ({ ms, version }: Answer) => version === 'v2' && ms >= SLOW_MS
const never = () => false

const FAULTS: Fault[] = [
  {
    name: 'errors, 100 %',
    mark: 115,
    faults: { errors: 1 },
    bad: { share: 1, guardrail: 'errors' },
    isBad: isError,
  },
  {
    name: 'errors, 20 %',
    mark: 665,
    faults: { errors: 0.2 },
    bad: { share: 0.2, guardrail: 'errors' },
    isBad: isError,
  },
  {
    name: 'all slow, 400 ms',
    mark: 555,
    faults: { slow: 1, slowMs: SLOW_MS },
    bad: { share: 1, guardrail: 'latency' },
    isBad: isSlow,
  },
  {
    name: 'a tenth slow, 400 ms',
    mark: 1_700,
    faults: { slow: 0.1, slowMs: SLOW_MS },
    bad: { share: 0.1, guardrail: 'latency' },
    isBad: isSlow,
  },
  { name: 'killed', mark: 400, signal: 'SIGKILL', isBad: never },
  { name: 'hung', mark: 1_000, signal: 'SIGSTOP', isBad: never },
]

/** What one run of a fault gave, in ms. */
interface Run {
  /** From the first bad answer, or the signal, to the last green one, or green read back at 0. */
  tookMs: number
  /** From there to the weight read back at 0. */
  actedMs: number
  failed: number
  slowestMs: number
  cause: string
  value: string
}

interface Healthy {
  /** Of green. */
  answers: number
  bad: number
  seconds: number
  rollbacks: string[]
}

/** How fast a bad green loses its traffic, and whether a healthy one keeps it. */
export async function detection({ quick, say }: BenchOptions): Promise<Section> {
  const runs = quick ? 3 : 20
  const [stack, other] = [await TestStack.create(planned), await TestStack.create(planned)]
  const benches: Bench[] = []
  try {
    say('deploys')
    for (const each of [stack, other]) {
      await deploy(each)
      benches.push(new Bench(each))
    }
    const [bench, calm] = benches as [Bench, Bench]
    // On a stack of its own at the same time: a machine that is busy is the harder case.
    const [results, healthy] = await Promise.all([
      strikeAll(bench, runs, say),
      calm.healthy(0.02, quick ? 60 : 600),
    ])
    return report(stack, results, healthy, runs)
  } finally {
    for (const bench of benches) await bench.close()
    await Promise.all([stack.close(), other.close()])
  }
}

async function strikeAll(
  bench: Bench,
  runs: number,
  say: BenchOptions['say'],
): Promise<Map<Fault, Run[]>> {
  const results = new Map<Fault, Run[]>(FAULTS.map((fault) => [fault, []]))
  for (let round = 1; round <= runs; round++) {
    // In turn, so that what else the machine does meanwhile falls on all faults alike.
    for (const fault of FAULTS) {
      const run = await bench.run(fault)
      results.get(fault)!.push(run)
      say(`${round}/${runs} ${fault.name}: ${seconds(run.tookMs)} (${run.cause}: ${run.value})`)
    }
  }
  return results
}

function planned(plan: PlanInput): PlanInput {
  return {
    ...plan,
    steps: [WEIGHT, 100],
    backups: {},
    guardrails: {
      errors: { metric: 'error-rate', above: '5%', then: 'rollback' },
      latency: { metric: 'p95', above: '150ms', then: 'rollback' },
    },
  }
}

class Bench {
  readonly #stack: TestStack
  readonly #load: Load
  /** Since the load began. */
  readonly #answers: Answer[] = []
  #attempt = 1
  constructor(stack: TestStack) {
    this.#stack = stack
    this.#load = startLoad({
      url: stack.url,
      rate: RATE,
      seconds: 7_200,
      maximumRequests: 999_999,
      connections: 128,
      timeoutMs: 10_000,
      paths: ['/api/me', '/api/candidates/'],
      onAnswer: (answer) => this.#answers.push(answer),
    })
  }

  async close(): Promise<void> {
    await this.#load.stop()
  }

  async run(fault: Fault): Promise<Run> {
    const begin = await this.#raise()
    const signalled = await this.#strike(fault)
    await this.#stack.until(
      `the rollback of ${fault.name}`,
      async () => (await this.#stack.green()) === 0,
    )
    const trip = await this.#tripped()
    await this.#settled()
    const answers = this.#answers.slice(begin)
    const firstBad = answers.find((answer) => fault.isBad(answer))?.at
    const from = fault.signal ? signalled : firstBad
    if (from === undefined) throw new Error(`${fault.name}: rolled back without a bad answer`)
    const lastGreen = answers.findLast(({ version }) => version === 'v2')?.at ?? from
    const actedMs = trip.at - from
    await this.#heal(fault)
    return {
      // A green that is dead gives no last answer: there its weight is what counts.
      tookMs: fault.signal ? actedMs : lastGreen - from,
      actedMs,
      failed: answers.filter(({ reason }) => reason !== undefined).length,
      slowestMs: Math.max(...answers.map(({ ms }) => ms)),
      cause: trip.cause,
      value: trip.value,
    }
  }

  async healthy(errors: number, seconds: number): Promise<Healthy> {
    const begin = await this.#raise()
    const rollbacks: string[] = []
    await this.#stack.fault('green', { errors })
    const end = performance.now() + seconds * 1_000
    while (performance.now() < end) {
      if ((await this.#stack.green()) !== WEIGHT) {
        const { cause, value } = await this.#tripped()
        rollbacks.push(`${cause}: ${value}`)
        this.#attempt++
        await this.#raise()
      }
      await wait(500)
    }
    await this.#stack.fault('green', undefined)
    const green = this.#answers.slice(begin).filter(({ version }) => version === 'v2')
    return { answers: green.length, bad: green.filter(isError).length, seconds, rollbacks }
  }

  /** Brings green back to its weight, and waits until it has answered for a while. */
  async #raise(): Promise<number> {
    await move(this.#stack, 'start', this.#attempt)
    const router = new HaproxyRouter(this.#stack.layout)
    await this.#stack.until('green to be up', () => router.healthy('huntred', 'green'))
    // Prometheus has to see that green had no weight, as it does between attempts of people.
    const before = this.#answers.length
    await this.#stack.until('blue to answer', () => this.#answers.length >= before + RATE)
    await move(this.#stack, `huntred@${WEIGHT}`, this.#attempt)
    const begin = this.#answers.length
    const green = () => this.#answers.slice(begin).filter(({ version }) => version === 'v2').length
    // An uneven number, so that faults do not begin in step with the hook's own looks.
    const wanted = GREEN_RATE * (1 + Math.random())
    await this.#stack
      .until('green to answer', () => green() >= wanted)
      .catch(async (error) => {
        const { cause, value } = await this.#tripped()
        throw new Error(`${error.message}; it was rolled back: ${cause}, ${value}`)
      })
    return this.#answers.length
  }

  async #strike({ faults, signal }: Fault): Promise<number> {
    if (faults) await this.#stack.fault('green', faults)
    if (signal) {
      const folder = `${this.#stack.layout.services}/${GREEN}`
      const { pid } = statusOf(folder)
      if (pid === undefined) throw new Error('green does not run')
      // "Once": so that the supervisor lets it lie.
      if (signal === 'SIGKILL') control(folder, 'o')
      process.kill(pid, signal)
    }
    return performance.now()
  }

  async #heal({ faults, signal }: Fault): Promise<void> {
    if (signal === 'SIGKILL') await startService(this.#stack.layout, GREEN)
    if (signal === 'SIGSTOP') {
      process.kill(statusOf(`${this.#stack.layout.services}/${GREEN}`).pid as number, 'SIGCONT')
    }
    if (faults) await this.#stack.fault('green', undefined)
    this.#attempt++
  }

  /** The trip of this attempt; `at` on performance.now()'s clock, when green was read back at 0. */
  async #tripped(): Promise<{ at: number; cause: string; value: string }> {
    let found: { at: number; cause: string; value: string } | undefined
    await this.#stack.until('the trip in the history', async () => {
      const { latch } = await this.#stack.platform.observe()
      const event = readEvents(this.#stack.layout, 200).findLast(
        ({ kind, details }) => kind === 'tripped' && details?.['trip'] === this.#attempt,
      )
      if (!event || latch === 'missing' || 'unavailable' in latch || !latch.trip) return false
      const { trippedAt, actedMs } = event.details as { trippedAt: string; actedMs: number }
      const at = Date.parse(trippedAt) + actedMs - performance.timeOrigin
      found = { at, cause: latch.trip.cause, value: latch.trip.value }
      return true
    })
    return found!
  }

  /** Until every request that was sent before now has ended. */
  async #settled(): Promise<void> {
    const now = performance.now()
    const { sent } = this.#load.stats()
    const skip = Math.max(0, this.#answers.length - 20_000)
    const ended = () =>
      skip + this.#answers.slice(skip).filter(({ at, ms }) => at - ms <= now).length
    await this.#stack.until('all answers of before the rollback', () => ended() >= sent)
  }
}

function report(
  { plan }: TestStack,
  results: Map<Fault, Run[]>,
  healthy: Healthy,
  runs: number,
): Section {
  const rows = [...results].map(([{ name, mark, bad, faults }, all]) => {
    const took = all.map(({ tookMs }) => tookMs)
    const detector = bad && detectorFor(plan.guardrails[bad.guardrail]!)!
    const alone = detector && simulated(detector, bad.share, faults?.['slowMs'] ?? 0)
    return [
      name,
      seconds(median(took)),
      seconds(quantile(took, 0.95)),
      seconds(Math.max(...took)),
      alone ? seconds(median(alone)) : '0.25–0.50 s',
      alone ? seconds(quantile(alone, 0.95)) : '0.50 s',
      detector ? Math.ceil(evidenceNeeded(detector, bad.share).expected) : '2 checks',
      `${seconds(mark)}, ${median(took) <= mark ? 'reached' : 'missed'}`,
    ]
  })
  const dead = [...results].filter(([{ signal }]) => signal)
  return {
    title: 'From the first bad answer to the last green one',
    parts: [
      `Green has ${WEIGHT} % of ${RATE} requests a second. Guardrails: errors above 5 %, p95 above 150 ms, both without \`for\`. Median, p95 and max of ${runs} runs each, the faults in turn; for a green that is killed or hung from the signal to its weight read back at 0. The control is the evidence alone: the same sequential test in ${count(SIMULATED)} simulated runs in which everything but the answers themselves takes no time, and the answers that it needs on average by its own statistics (Wald). A slow answer is known ${SLOW_MS} ms after it was asked for, so the last one comes as long after the weight is 0. For killed and hung the control is the router's own check, twice at 0.25 s.`,
      table(
        [
          'fault',
          'median',
          'p95',
          'max',
          'evidence alone: median',
          'p95',
          'answers needed',
          'mark',
        ],
        rows,
      ),
      dead
        .map(([{ name }, all]) => {
          const failed = all.reduce((sum, run) => sum + run.failed, 0)
          const slowest = Math.max(...all.map(({ slowestMs }) => slowestMs))
          return `Green ${name}: ${failed} failed requests in ${runs} runs, the slowest took ${seconds(slowest)}.`
        })
        .join(' '),
      `Healthy traffic with 2 % errors, at the same settings and at the same time: ${count(healthy.answers)} answers of green in ${count(healthy.seconds)} s, ${count(healthy.bad)} of them bad, ${healthy.rollbacks.length === 0 ? 'no rollback' : `ROLLED BACK ${healthy.rollbacks.length} TIMES (${healthy.rollbacks.join('; ')})`}.`,
    ],
  }
}

const SIMULATED = 5_000

/** From the first bad answer to the last green one, in ms, where only answers take time. */
function simulated(detector: Detector, share: number, slowMs: number): number[] {
  return Array.from({ length: SIMULATED }, () => {
    const answers: { at: number; from: number; bad: boolean }[] = []
    // Far longer than any run takes.
    for (let from = 0; from < 30_000; from += 1_000 / RATE) {
      if (Math.random() >= WEIGHT / 100) continue
      const bad = Math.random() < share
      answers.push({ at: from + (bad ? slowMs : 0), from, bad })
    }
    answers.sort((a, b) => a.at - b.at)
    let evidence = NO_EVIDENCE
    for (const { at, bad } of answers) {
      const { state, tripped } = step(detector, evidence, bad)
      evidence = state
      if (!tripped) continue
      const last = answers.findLast(({ from }) => from <= at)!
      return Math.max(at, last.at) - answers.find(({ bad }) => bad)!.at
    }
    return Number.POSITIVE_INFINITY
  })
}
