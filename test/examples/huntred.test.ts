import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Cluster } from './cluster.ts'
import { databaseState, type Generation, startGeneration } from './generation.ts'
import { ask, recorded } from './recorded.ts'

const get = (path: string) => ({ method: 'GET', path, headers: {}, body: undefined })
const post = (path: string, body: object) => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

let cluster: Cluster
let v1: Generation
let v2: Generation

const both = async (request: Parameters<typeof ask>[1]) =>
  Promise.all([ask(v1.url, request), ask(v2.url, request)])

const databaseIs = (generation: Generation, state: 'up' | 'down') =>
  expect.poll(() => databaseState(generation.url), { timeout: 60_000 }).toBe(state)

beforeAll(async () => {
  cluster = await Cluster.create()
  // before the database, and both at once: each waits for it, and only one makes the tables
  const faults = { EXAMPLE_FAULTS: '1' }
  v1 = await startGeneration('v1', cluster.url)
  v2 = await startGeneration('v2', cluster.url, faults)
})

afterAll(async () => {
  await Promise.all([v1?.stop(), v2?.stop()])
  await cluster?.remove()
})

describe('a database that is away', () => {
  it('is told by /healthz, which answers 200, and by 503 elsewhere', async () => {
    expect(await databaseState(v1.url)).toBe('down')
    expect(await databaseState(v2.url)).toBe('down')
    for (const answer of await both(get('/api/candidates/'))) {
      expect(answer.status).toBe(503)
      expect(answer.text).toBe(
        '{"error":{"code":"unavailable","message":"the database cannot be reached"}}',
      )
    }
  })

  it('is used, with its tables made, as soon as it is there', async () => {
    await cluster.start()
    await databaseIs(v1, 'up')
    await databaseIs(v2, 'up')
    for (const answer of await both(get('/api/candidates/'))) {
      expect(answer.status).toBe(200)
      expect(answer.body['total']).toBe(320)
    }
  })

  it('is used again after it went and came back', async () => {
    await cluster.stop()
    await databaseIs(v1, 'down')
    await databaseIs(v2, 'down')
    await cluster.start()
    await databaseIs(v1, 'up')
    await databaseIs(v2, 'up')
    for (const answer of await both(get('/api/candidates/'))) {
      expect(answer.status).toBe(200)
      expect(answer.body['total']).toBe(320)
    }
  })
})

describe('parity of the generations', () => {
  const requests = recorded()

  it('has recorded requests of each group, each with a name of its own', () => {
    expect([...new Set(requests.map((each) => each.group))]).toEqual([
      'business logic',
      'integrations',
      'data',
      'API',
      'authentication',
      'permissions',
      'pages',
    ])
    expect(new Set(requests.map((each) => each.name)).size).toBe(requests.length)
  })

  it.each(requests)('answers the same: $group, $name', async (request) => {
    const [blue, green] = await both(request)
    expect(blue.version).toBe('v1')
    expect(green.version).toBe('v2')
    expect(green.status).toBe(blue.status)
    expect(green.text).toBe(blue.text)
    expect(blue.status).toBeLessThan(500)
    expect(blue.dated).toBe(blue.json && blue.status < 400)
    expect(green.dated).toBe(blue.dated)
  })

  it('holds for each candidate and each proposal', async () => {
    const job = { skills: ['python', 'sales', 'english', 'go'], years: 11, city: 'Puebla' }
    for (let id = 1; id <= 320; id += 1) {
      for (const request of [
        get(`/api/ml/analyze/${id}/`),
        post('/api/ml/compatibility/', { candidate_id: id, job }),
        post('/api/messages/', { candidate_id: id, channel: 'email', template: 'interview' }),
        get(`/api/proposals/${id}/`),
      ]) {
        const [blue, green] = await both(request)
        expect(green.text).toBe(blue.text)
      }
    }
  })

  it('holds for a candidate that either has created, also with braces in the name', async () => {
    for (const [index, from] of [v1, v2].entries()) {
      const email = `new${index}@example.org`
      const made = await ask(
        from.url,
        post('/api/candidates/', {
          nombre: '{city} $& ñ',
          email,
          skills: ['SQL', 'sql', 'go'],
          business_unit: 'huntU',
        }),
      )
      expect(made.status).toBe(201)
      expect(made.body).toMatchObject({ email, skills: ['sql', 'go'], city: null })
      const { id } = made.body as { id: number }
      expect(id).toBeGreaterThan(1000)
      const message = { candidate_id: id, channel: 'email', template: 'interview' }
      const [blue, green] = await both(post('/api/messages/', message))
      expect(green.text).toBe(blue.text)
      const [old, fresh] = await both(get(`/api/candidates/${id}`))
      expect(old.text).toBe(made.text)
      expect(fresh.text).toBe(made.text)
    }
  })
})

describe('faults', () => {
  const set = (faults: object) => ask(v2.url, { ...post('/faults', faults), method: 'PUT' })
  const clear = () => ask(v2.url, { ...get('/faults'), method: 'DELETE' })

  it('are unknown to a service that was not started for a rehearsal', async () => {
    const answer = await ask(v1.url, { ...post('/faults', { errors: 1 }), method: 'PUT' })
    expect(answer.status).toBe(404)
  })

  it('are refused when they are misspelt or beyond their range', async () => {
    expect((await set({ error: 1 })).status).toBe(400)
    expect((await set({ errors: 1.5 })).status).toBe(400)
  })

  it('answer errors under /api/ and leave /healthz alone', async () => {
    await set({ errors: 1 })
    expect((await ask(v2.url, get('/api/candidates/1'))).status).toBe(500)
    expect(await databaseState(v2.url)).toBe('up')
    await clear()
    expect((await ask(v2.url, get('/api/candidates/1'))).status).toBe(200)
  })

  it('answer a wrong score that parity sees', async () => {
    await set({ wrong: 1 })
    const [blue, green] = await both(get('/api/ml/analyze/1/'))
    expect(green.status).toBe(200)
    expect(green.body['score']).not.toBe(blue.body['score'])
    expect({ ...green.body, score: 0 }).toEqual({ ...blue.body, score: 0 })
    await clear()
  })

  it('slow answers, and never answer what hangs', async () => {
    await set({ slow: 1, slowMs: 300 })
    const begin = performance.now()
    expect((await ask(v2.url, get('/api/candidates/1'))).status).toBe(200)
    expect(performance.now() - begin).toBeGreaterThanOrEqual(299)
    await set({ hang: 1 })
    const signal = AbortSignal.timeout(300)
    await expect(fetch(`${v2.url}/api/candidates/1`, { signal })).rejects.toThrow()
    await clear()
  })
})

/** A request that the server has; it says so before it answers. */
async function arrived(url: string): Promise<{ status: Promise<unknown> }> {
  const asked = request(url, { agent: false, headers: { expect: '100-continue' } })
  const status = new Promise((resolve) => {
    asked.once('error', () => resolve('cut'))
    asked.once('response', (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode))
    })
  })
  asked.flushHeaders()
  await once(asked, 'continue')
  asked.end()
  return { status }
}

it('ends in order when told to: what is being answered is answered, what hangs is cut', async () => {
  const extra = await startGeneration('v2', cluster.url, { EXAMPLE_FAULTS: '1' })
  await databaseIs(extra, 'up')
  const put = (faults: object) => ask(extra.url, { ...post('/faults', faults), method: 'PUT' })
  await put({ hang: 1 })
  const hung = await arrived(`${extra.url}/api/me`)
  await put({ slow: 1, slowMs: 500 })
  const slow = await arrived(`${extra.url}/api/candidates/1`)
  expect(await extra.stop()).toBe(0)
  expect(await hung.status).toBe('cut')
  expect(await slow.status).toBe(200)
})
