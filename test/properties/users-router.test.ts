import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../../platforms/local/supervisor.ts'
import { hashOf } from '../../rollout/hash.ts'
import type { ServiceWeights } from '../../rollout/weights.ts'
import { Echo } from '../platforms/local/echo.ts'
import { Stand } from '../platforms/local/stand.ts'
import { Bench, CAUSE } from './bench.ts'
import { isGreen, placeOf } from './bucket.ts'
import { ALL, GUARD_MS } from './runs.ts'

const stand = new Stand()
const [old, fresh] = [new Echo('blue'), new Echo('green')]
const RULES = { api: 'md5', web: 'md5', jobs: 'crc32' } as const
const USERS = Array.from({ length: ALL ? 1_000 : 150 }, (_, index) => `user-${index * 7}`)

beforeAll(async () => {
  await Promise.all([old.listen(), fresh.listen()])
  await stand.startWith((listen) => ({
    name: 'stand',
    steps: [5, 25, 60, 100],
    local: { listen },
    guardrails: { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } },
    services: Object.fromEntries(
      Object.entries(RULES).map(([name, bucket]) => [
        name,
        {
          routes: [`/${name}`],
          blue: { url: old.url },
          green: { url: fresh.url },
          affinity: { header: 'x-user-id', bucket },
          together: name === 'web' ? ['api'] : [],
        },
      ]),
    ),
  }))
})
afterAll(async () => {
  await stand.stop()
  await Promise.all([old.close(), fresh.close()])
})

/** The colour that answers a user. */
function colourFor(service: string, user: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port: stand.port,
        path: `/${service}`,
        agent: stand.agent,
        headers: { 'x-user-id': user },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve(String(response.headers['x-name'])))
        response.on('error', reject)
      },
    )
    sent.on('error', reject)
    sent.end()
  })
}

/** Every user's answer is what the model says, of every service. */
async function look(weights: ServiceWeights): Promise<void> {
  for (const [service, rule] of Object.entries(RULES)) {
    const answers = await Promise.all(USERS.map((user) => colourFor(service, user)))
    const model = USERS.map((user) =>
      isGreen(placeOf(user, rule), weights, service) ? 'green' : 'blue',
    )
    expect({ service, answers }).toEqual({ service, answers: model })
  }
}

describe('users of the real router, over a whole rollout', { timeout: GUARD_MS }, () => {
  it('get what the model says: their side, across services, over reloads and a rollback', async () => {
    const { plan } = stand
    const bench = new Bench({ plan, planHash: hashOf(plan) }, undefined, stand.router)
    const greenUser = USERS.find((user) => placeOf(user, 'md5') < 500) as string
    const forward = async (from: number, until?: string) => {
      for (const { name, weights } of bench.positions.slice(from)) {
        await bench.update(bench.request(name))
        expect(await stand.router.read()).toEqual(weights)
        await look(weights)
        await bench.bake()
        if (name === until) return
      }
    }
    await forward(0, 'api+web@60')
    // A reload of the router gives nobody another side, once it knows green and guard again.
    await stand.apply()
    for (const service of Object.keys(RULES)) {
      await waitFor(
        async () =>
          (await stand.router.healthy(service, 'green')) && (await stand.router.guardUp()),
        { timeoutMs: 20_000, what: `green of ${service} after the reload` },
      )
    }
    await waitFor(async () => (await colourFor('api', greenUser)) === 'green', {
      timeoutMs: 20_000,
      what: 'green to answer after the reload',
    })
    await look(await stand.router.read())
    await bench.operations.trip({ ...CAUSE, service: 'web', scope: 'service' })
    await look({})
    await bench.update(bench.request('start', 2), 1)
    await bench.bake()
    await forward(1, 'jobs@100')
  })
})
