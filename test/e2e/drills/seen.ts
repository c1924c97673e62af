import { expect } from 'vitest'
import type { Held, LimitName } from '../../../rollout/limits.ts'
import { greenOf, type ServiceWeights } from '../../../rollout/weights.ts'
import type { Bench } from './bench.ts'

/** What is expected of a rollback. */
export interface Expected {
  /** The guardrail, the gate or `rollback`. */
  cause: string
  /** The position that it lands on; default `start`. */
  landing?: string
  /** The promised times that it is held against, and keeps. */
  limits?: LimitName[]
  /** What is asked, and who answers it now. */
  asked?: { path: string; init?: RequestInit; by: string[] }[]
}

/**
 * Waits for a rollback and looks at everything it leaves: the latch, the weights that the router
 * has, the journal, the flags, the history with its times, the news, who answers users, and that
 * the step it came from is refused.
 */
export async function rolledBack(bench: Bench, expected: Expected, seconds = 120): Promise<void> {
  const { stack } = bench
  const { cause, landing = 'start', limits = [], asked = [] } = expected
  const isLatched = async () => (await bench.latch()).latched
  await stack.until(`the rollback by ${cause}`, isLatched, seconds)
  const latch = await bench.latch()
  expect(latch.trip).toMatchObject({ cause, landing })
  const from = latch.trip?.position as string
  const wanted = bench.position(landing).weights
  const percents = Object.fromEntries(
    Object.entries(wanted).map(([service, { green }]) => [service, green]),
  )
  await stack.until(`green to be as at ${landing}`, async () => {
    const live = await bench.weights()
    return Object.entries(percents).every(([service, green]) => live[service] === green)
  })
  for (const { path, init, by } of asked) {
    // A service reads its flags a moment after they are written.
    await stack.until(`${path} to be answered by ${by}`, async () => {
      return String(await bench.answering(path, init)) === String(by)
    })
  }
  await stack.until('the journal to follow', async () => {
    return (await bench.journal()).verified.position === landing
  })
  followed(bench, percents)
  const tripped = bench.events('tripped').at(0)
  expect(tripped?.message).toMatch(/ROLLED BACK in/)
  await stack.until('the rollback to be done, its state too', async () => {
    const { rollbacks = [] } = await bench.journal()
    return rollbacks.every(({ doneAt }) => doneAt !== undefined)
  })
  // What waits for an operation is told when that is done.
  const held = [...bench.events('tripped'), ...bench.events('limit')].flatMap(
    ({ details }) => (details?.['limits'] ?? []) as Held[],
  )
  const told = (names: LimitName[]) => names.toSorted().map((each) => [each, true])
  const seen = held.toSorted((a, b) => (a.limit < b.limit ? -1 : 1))
  expect(seen.map(({ limit, kept }) => [limit, kept])).toEqual(told(limits))
  if (Object.keys(stack.plan.notify).length > 0)
    await bench.told(new RegExp(`ROLLED BACK.*${cause}`))
  const after = bench.position(String(bench.position(from).index + 1)).name
  expect((await stack.held(after)).map(({ code }) => code)).toContain('latched')
  await bench.refusesOnce(after)
}

/** Flags that follow a service are off where its green is at 0, and on for all where it has all. */
function followed(bench: Bench, percents: Record<string, number>): void {
  const flags = bench.flags()
  for (const [name, { follows }] of Object.entries(bench.stack.plan.flags)) {
    if (!follows || follows.length === 0) continue
    const most = Math.max(...follows.map((service) => percents[service] ?? 0))
    if (most === 0) expect([name, flags(name, { bucket: 0 })]).toEqual([name, false])
  }
}

/**
 * Waits until a progressive rollback is at its landing, and holds every step that it took, as the
 * history has them with what was read back, against those that it must take.
 * @param atOnce true where every step must be left before its time, as it was not stable
 * @returns how long it took from the trip to the landing, ms
 */
export async function descended(
  bench: Bench,
  service: string,
  steps: number[],
  atOnce = false,
): Promise<number> {
  await bench.stack.until(
    'green to come down to its landing',
    () => bench.events('descended').some(({ message }) => message.includes('which is the landing')),
    180,
  )
  const [tripped] = bench.events('tripped')
  const down = bench.events('descended')
  const weights = [tripped, ...down].map((event) =>
    greenOf(event?.details?.['weights'] as ServiceWeights, service),
  )
  expect(weights).toEqual(steps)
  const early = down.map(({ message }) => message.includes('at once, as it was not stable'))
  expect(early).toEqual(down.map(() => atOnce))
  return Date.parse(down.at(-1)?.at ?? '') - Date.parse(tripped?.at ?? '')
}

/** So many rounds of forty users without an answer by a version: it answers nobody any more. */
const ROUNDS_WITHOUT = 20

/**
 * Asks all the time until a version answers nobody any more.
 * @param change what makes it end; the rounds count from its end
 * @returns when its last answer came, of the monotonic clock
 */
export async function lastAnswerBy(
  bench: Bench,
  version: string,
  path: string,
  change: Promise<unknown>,
): Promise<number> {
  let last = performance.now()
  let without = 0
  let changed = false
  const end = () => {
    changed = true
  }
  void change.then(end, end)
  await bench.stack.until(`${version} to answer nobody`, async () => {
    const isThere = (await bench.answering(path)).includes(version)
    if (isThere) last = performance.now()
    without = isThere || !changed ? 0 : without + 1
    return without >= ROUNDS_WITHOUT
  })
  return last
}
