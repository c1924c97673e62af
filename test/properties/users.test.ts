import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Plan } from '../../rollout/plan.ts'
import { greenOf, type ServiceWeights } from '../../rollout/weights.ts'
import { Bench, CAUSE } from './bench.ts'
import { isGreen, placeOf } from './bucket.ts'
import { randomPlans } from './random-plan.ts'
import { GUARD_MS, runsOf } from './runs.ts'

const USERS = Array.from({ length: 10_000 }, (_, index) => `user-${index}`)
const PLACES = {
  crc32: USERS.map((user) => placeOf(user, 'crc32')),
  md5: USERS.map((user) => placeOf(user, 'md5')),
}

/** Follows every user of every service through all that the router does. */
class Followed {
  readonly #plan: Plan
  #before: ServiceWeights = {}
  moves = 0
  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** @throws where a user went back although green did not fall, or stands on two sides at once */
  look(weights: ServiceWeights): void {
    for (const [service, { affinity }] of Object.entries(this.#plan.services)) {
      const fell = greenOf(weights, service) < greenOf(this.#before, service)
      const places = PLACES[affinity.bucket]
      for (const [index, place] of places.entries()) {
        const [was, is] = [isGreen(place, this.#before, service), isGreen(place, weights, service)]
        if (was !== is) this.moves += 1
        if (was && !is && !fell) throw new Error(`${USERS[index]} left green of ${service}`)
        if (!was && is && fell) throw new Error(`${USERS[index]} came to a falling ${service}`)
      }
    }
    this.#across(weights)
    this.#before = weights
  }

  /** Whoever is on green of one service is on green of each that is as far, or further. */
  #across(weights: ServiceWeights): void {
    const all = Object.entries(this.#plan.services)
    for (const [one, { affinity }] of all) {
      for (const [other, its] of all) {
        if (one === other || its.affinity.bucket !== affinity.bucket) continue
        if (greenOf(weights, other) < greenOf(weights, one)) continue
        for (const place of PLACES[affinity.bucket]) {
          if (isGreen(place, weights, one) && !isGreen(place, weights, other)) {
            throw new Error(`a user has green of ${one}, and blue of ${other}`)
          }
        }
      }
    }
  }
}

describe('10,000 users, over a whole rollout of any plan', { timeout: GUARD_MS }, () => {
  it('keep their side, of one service and across services, unless green falls', async () => {
    let moves = 0
    await fc.assert(
      fc.asyncProperty(randomPlans, fc.nat(), async (plan, at) => {
        const bench = new Bench(plan)
        const followed = new Followed(plan.plan)
        followed.look(bench.router.weights)
        const services = Object.keys(plan.plan.services)
        const steps = bench.positions.filter(({ kind }) => kind === 'step')
        const tripsAt = steps[at % steps.length]?.name
        const forward = async (from: number) => {
          for (const { name } of bench.positions.slice(from)) {
            await bench.update(bench.request(name), bench.last, at)
            followed.look(bench.router.weights)
            await bench.bake()
            await bench.judge('passed')
            if (name === tripsAt && bench.store.latch?.attempt === 1) return
          }
        }
        await forward(0)
        await bench.operations.trip({
          ...CAUSE,
          service: services[at % services.length],
          scope: 'service',
        })
        followed.look(bench.router.weights)
        // The second attempt, from where the first one landed to the end.
        const { landing } = bench.store.latch?.trip ?? {}
        await bench.update(bench.request(landing ?? 'start', 2), 1, at)
        await bench.bake()
        await bench.judge('passed')
        await forward(bench.standing.index + 1)
        for (const service of services) expect(bench.green(service)).toBe(100)
        moves += followed.moves
      }),
      runsOf(15, 300),
    )
    expect(moves).toBeGreaterThan(10_000)
  })

  it('are spread over the buckets as evenly as chance would', () => {
    for (const rule of ['crc32', 'md5'] as const) {
      for (const percent of [1, 5, 10, 25, 50, 75, 90]) {
        const weights = { api: { blue: 100 - percent, green: percent } }
        const greens = PLACES[rule].filter((place) => isGreen(place, weights, 'api')).length
        const expected = (USERS.length * percent) / 100
        const deviation = Math.sqrt(expected * (1 - percent / 100))
        expect(Math.abs(greens - expected)).toBeLessThan(5 * deviation)
      }
    }
  })
})
