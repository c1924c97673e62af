import { afterEach, expect, it } from 'vitest'
import { type Answer, startLoad } from '../../examples/load.ts'
import { Site } from '../site.ts'

const sites: Site[] = []

const listen = async (...answer: Parameters<typeof Site.open>): Promise<Site> => {
  const site = await Site.open(...answer)
  sites.push(site)
  return site
}

afterEach(async () => {
  for (const site of sites.splice(0)) await site.close()
})

it('sends exactly rate × seconds requests, spread over users and paths', async () => {
  const users = new Set<unknown>()
  const paths = new Map<string, number>()
  const site = await listen(({ url, headers }, response) => {
    users.add(headers['x-user-id'])
    paths.set(url, (paths.get(url) ?? 0) + 1)
    response.setHeader('x-version', 'v1').end('{}')
  })
  const load = startLoad({ url: site.url, rate: 300, seconds: 2, users: 20, paths: ['/a', '/b'] })
  const stats = await load.done
  expect(stats).toMatchObject({ sent: 600, answered: 600, failed: 0, failures: [] })
  expect(stats.versions['v1']).toMatchObject({ answered: 600, failed: 0 })
  expect(paths).toEqual(
    new Map([
      ['/a', 300],
      ['/b', 300],
    ]),
  )
  expect(users.size).toBe(20)
  const sum = stats.series.reduce((total, { sent }) => total + sent, 0)
  expect(sum).toBe(600)
  // What a late timer missed is sent at once, and nothing before its time.
  const [first = 0, second = 0] = stats.series.map(({ sent }) => sent)
  expect(first).toBeLessThanOrEqual(301)
  expect(first + second).toBeLessThanOrEqual(601)
})

it('does not slow down when answers do', async () => {
  const { url } = await listen((_, response) => setTimeout(() => response.end(), 500))
  const stats = await startLoad({ url, rate: 100, seconds: 1, connections: 100 }).done
  expect(stats).toMatchObject({ sent: 100, answered: 100, failed: 0 })
  expect(stats.versions['none']!.p50).toBeGreaterThan(490)
})

it('never has more connections than it may', async () => {
  let open = 0
  let most = 0
  const { server, url } = await listen((_, response) => setTimeout(() => response.end(), 20))
  server.on('connection', (socket) => {
    open += 1
    most = Math.max(most, open)
    socket.on('close', () => {
      open -= 1
    })
  })
  const stats = await startLoad({ url, rate: 200, seconds: 0.5, connections: 5 }).done
  expect(stats.answered).toBe(100)
  expect(most).toBe(5)
})

it('counts a status of 500 and more as failed, by version, and tells each answer', async () => {
  let n = 0
  const { url } = await listen((_, response) => {
    n += 1
    response.setHeader('x-version', n % 2 === 0 ? 'v2' : 'v1')
    response.writeHead(n % 10 === 0 ? 503 : n % 10 === 1 ? 404 : 200).end()
  })
  const answers: Answer[] = []
  const onAnswer = (answer: Answer) => answers.push(answer)
  const stats = await startLoad({ url, rate: 200, seconds: 0.5, onAnswer }).done
  expect(stats).toMatchObject({ answered: 100, failed: 10 })
  expect(stats.versions['v2']).toMatchObject({ answered: 50, failed: 10 })
  expect(stats.versions['v1']).toMatchObject({ answered: 50, failed: 0 })
  expect(stats.failures).toHaveLength(10)
  expect(stats.failures[0]).toMatchObject({ reason: 'status 503', version: 'v2' })
  expect(answers).toHaveLength(100)
  expect(answers.filter(({ reason }) => reason !== undefined)).toHaveLength(10)
})

it('counts resets, cut answers and silence as failed, and sends none again', async () => {
  let n = 0
  const { url } = await listen((_, response) => {
    n += 1
    if (n % 4 === 0) return response.socket?.resetAndDestroy()
    if (n % 4 === 1) {
      response.writeHead(200, { 'content-length': 100 }).write('cut')
      return setTimeout(() => response.destroy(), 5)
    }
    if (n % 4 === 2) return
    response.end()
  })
  const stats = await startLoad({ url, rate: 100, seconds: 0.4, timeoutMs: 3_000 }).done
  expect(n).toBe(40)
  expect(stats).toMatchObject({ sent: 40, answered: 10, failed: 30 })
  const reasons = stats.failures.map(({ reason }) => reason)
  expect(reasons.filter((reason) => reason === 'no answer in 3000 ms')).toHaveLength(10)
  expect(reasons.filter((reason) => reason.endsWith('within the answer'))).toHaveLength(10)
  expect(reasons.filter((reason) => reason.startsWith('ECONNRESET'))).toHaveLength(20)
})

it('counts every request to nobody as failed', async () => {
  const site = await listen()
  const { url } = site
  await site.close()
  const stats = await startLoad({ url, rate: 100, seconds: 0.2 }).done
  expect(stats).toMatchObject({ sent: 20, answered: 0, failed: 20 })
  expect(stats.failures[0]!.reason).toBe('ECONNREFUSED')
})

it('keeps the first thousand failures and counts all', async () => {
  const { url } = await listen((_, response) => response.writeHead(500).end())
  const stats = await startLoad({ url, rate: 2000, seconds: 0.6 }).done
  expect(stats.failed).toBe(1200)
  expect(stats.failures).toHaveLength(1000)
})

it('drains when stopped: what was sent is answered, and no more is sent', async () => {
  let n = 0
  const { url } = await listen((_, response) => {
    n += 1
    setTimeout(() => response.end(), 200)
  })
  const load = startLoad({ url, rate: 100, seconds: 60 })
  await expect.poll(() => load.stats().answered).toBeGreaterThan(10)
  const before = load.stats()
  expect(before.sent).toBeGreaterThan(before.answered)
  const stats = await load.stop()
  expect(stats.sent).toBe(before.sent)
  expect(stats.answered).toBe(before.sent)
  expect(n).toBe(before.sent)
  expect(await load.stop()).toEqual(stats)
  expect(await load.done).toEqual(stats)
})

it('sends no more than the maximum of requests', async () => {
  const { url } = await listen((_, response) => response.end())
  const load = startLoad({ url, rate: 1000, seconds: 60, maximumRequests: 30 })
  expect((await load.done).sent).toBe(30)
})

it('refuses a target beyond loopback and numbers without sense', () => {
  const fine = { url: 'http://127.0.0.1:9', rate: 1, seconds: 1 }
  expect(() => startLoad({ ...fine, url: 'http://example.org/' })).toThrow('loopback')
  expect(() => startLoad({ ...fine, url: 'http://127.evil.example/' })).toThrow('loopback')
  expect(() => startLoad({ ...fine, rate: 0 })).toThrow('load.rate: 0')
  expect(() => startLoad({ ...fine, seconds: Number.NaN })).toThrow('load.seconds')
})
