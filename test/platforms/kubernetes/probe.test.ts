import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { COLOUR_HEADER } from '../../../platforms/kubernetes/names.ts'
import { answersNeeded, GatewayProbe } from '../../../platforms/kubernetes/probe.ts'
import { Site } from '../../site.ts'

let gateway: Site
afterEach(() => gateway?.close())

/** A gateway that sends each request, by its number from 1, to a colour, or to none. */
async function probeOf(
  colourOf: (request: number) => string | undefined,
  { longestMs = 500, answerMs = 0, few = (..._: unknown[]) => {} } = {},
): Promise<GatewayProbe> {
  let requests = 0
  gateway = await Site.open(async (_asked, response) => {
    const colour = colourOf(++requests)
    await pause(answerMs)
    if (colour !== undefined) response.setHeader(COLOUR_HEADER, colour)
    response.end()
  })
  return new GatewayProbe({ address: gateway.url, path: () => '/', longestMs, few })
}
/** Green gets the first request, and each so-many-th after it. */
const oneIn = (every: number) => (request: number) => (request % every === 1 ? 'green' : 'blue')

it('so many answers are waited for that an unchanged gateway gives them less than once in a thousand', () => {
  expect([1, 5, 10, 25].map(answersNeeded)).toEqual([688, 135, 66, 25])
  for (const share of [1, 5, 10, 25]) {
    expect((1 - share / 100) ** answersNeeded(share)).toBeLessThan(0.001)
  }
  expect([0, 50, 100].map(answersNeeded)).toEqual([16, 16, 16])
})

it.each([1, 5, 10, 50])(
  'a gateway that still gives green %i % has not taken it back',
  async (share) => {
    const probe = await probeOf(oneIn(100 / share))
    await expect(probe.see('api', 0, share)).rejects.toThrow(/does not do it/)
  },
)

it('a gateway that still keeps 1 % for blue has not given green everything', async () => {
  const probe = await probeOf((request) => (request % 100 === 1 ? 'blue' : 'green'))
  await expect(probe.see('api', 100, 99)).rejects.toThrow(/does not do it/)
})

it('a change is seen once enough answers in a row show it, however late it comes', async () => {
  const probe = await probeOf((request) => (request < 300 ? oneIn(20)(request) : 'blue'), {
    longestMs: 10_000,
  })
  await probe.see('api', 0, 5)
  // The last answer of green was that to request 281.
  expect(gateway.asked.length).toBeGreaterThanOrEqual(281 + answersNeeded(5))
})

it('a colour that got nothing before is seen once it gets something', async () => {
  await (await probeOf(oneIn(100), { longestMs: 10_000 })).see('api', 1, 0)
  await gateway.close()
  await (await probeOf((request) => (request % 2 ? 'blue' : 'green'))).see('api', 50, 100)
  await gateway.close()
  const unchanged = await probeOf(() => 'green')
  await expect(unchanged.see('api', 50, 100)).rejects.toThrow(/does not do it/)
})

it('a service too slow for as many answers is seen by those that it gave, and that is told', async () => {
  const few = vi.fn()
  const probe = await probeOf(() => 'blue', { longestMs: 200, answerMs: 50, few })
  await probe.see('api', 0, 1)
  const [[service, answers, needed]] = few.mock.calls as [[string, number, number]]
  expect([service, needed]).toEqual(['api', 688])
  expect(answers).toBeGreaterThanOrEqual(16)
  expect(answers).toBeLessThan(688)
})

it('a slow service is waited for on from the last answer that spoke against it', async () => {
  const few = vi.fn()
  const taken = (request: number) => (request === 1 ? 'green' : 'blue')
  const probe = await probeOf(taken, { longestMs: 200, answerMs: 50, few })
  await probe.see('api', 0, 1)
  expect(few).toHaveBeenCalledOnce()
})

it('a small share of a slow service is waited for in as many answers as it takes', async () => {
  const late = (request: number) => (request === 150 ? 'green' : 'blue')
  const probe = await probeOf(late, { longestMs: 100, answerMs: 25 })
  await probe.see('api', 1, 0)
  expect(gateway.asked.length).toBeGreaterThanOrEqual(150)
})

it('answers that no colour is named in are not those of the route', async () => {
  const probe = await probeOf((request) => (request % 8 === 0 ? undefined : 'blue'))
  await expect(probe.see('api', 0, 50)).rejects.toThrow(/no colour/)
})
