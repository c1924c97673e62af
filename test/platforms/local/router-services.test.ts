import { createHash } from 'node:crypto'
import { type IncomingHttpHeaders, request } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, parseRouterLine, sampleOf } from '../../../hooks/router-log.ts'
import { waitFor } from '../../../platforms/local/supervisor.ts'
import { type ServiceWeights, split } from '../../../rollout/weights.ts'
import { Echo } from './echo.ts'
import { Stand } from './stand.ts'

const stand = new Stand()
const colours = ['old', 'new', 'one'].map((name) => new Echo(name))
const [old, fresh, one] = colours as [Echo, Echo, Echo]
const affinity = { header: 'x-user-id', bucket: 'md5' as const }

beforeAll(async () => {
  await Promise.all(colours.map((colour) => colour.listen()))
  await stand.startWith((listen) => ({
    name: 'stand',
    steps: [50, 100],
    local: { listen },
    flags: { 'use-new': { follows: ['flagged'] } },
    retire: { deprecation: '2025-06-01', sunset: '2025-09-01' },
    services: {
      api: {
        blue: { url: old.url },
        green: { url: fresh.url },
        affinity,
        fallback: { header: 'x-fallback' },
      },
      web: {
        routes: ['/web'],
        blue: { url: old.url },
        green: { url: fresh.url },
        affinity,
        together: ['api'],
      },
      plain: {
        routes: ['/plain'],
        blue: { url: old.url },
        green: { url: fresh.url },
        affinity: { header: 'x-user-id' },
      },
      flagged: {
        routes: ['/flagged'],
        blue: { url: one.url },
        green: { servedBy: 'flagged.blue', flag: 'use-new' },
        affinity,
      },
      brand: { routes: ['/brand'], blue: 'none', green: { url: fresh.url }, affinity },
    },
  }))
})
afterAll(async () => {
  await stand.stop()
  await Promise.all(colours.map((colour) => colour.close()))
})
afterEach(async () => {
  await weigh({ api: 0, web: 0, plain: 0, flagged: 0, brand: 0 })
  await stand.router.raiseGuard()
  for (const colour of colours) Object.assign(colour, { status: 200, headers: {}, healthy: true })
})

const weigh = (greens: Record<string, number>) =>
  stand.router.write(
    Object.fromEntries(
      Object.entries(greens).map(([name, green]) => [name, split(green)]),
    ) as ServiceWeights,
  )

interface Got {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: stand.port, path, method, headers }
    request({ ...options, agent: stand.agent }, (response) => {
      let body = ''
      response.on('data', (chunk) => {
        body += chunk
      })
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      )
    })
      .on('error', reject)
      .end()
  })
}

const lastSeen = (colour: Echo) => colour.seen.at(-1)?.headers ?? {}
const md5 = (user: string) =>
  Number.parseInt(createHash('md5').update(user).digest('hex').slice(0, 8), 16) % 100

/** The answers of the router's log since `clear`, at least so many. */
async function logged(count: number): Promise<Answer[]> {
  const answers = () =>
    stand.hook.lines.flatMap((text) => {
      const line = parseRouterLine(text)
      return line?.kind === 'answer' ? [line] : []
    })
  await waitFor(() => answers().length >= count, { timeoutMs: 60_000, what: `${count} lines` })
  return answers()
}

describe('a user of bucket md5', () => {
  it('stands where services compute it too, for 1,000 ids, and is told to them', async () => {
    await weigh({ api: 37 })
    for (let index = 0; index < 1_000; index++) {
      const user = `user-${index}-${'ü€'.repeat(index % 3)}`
      const header = Buffer.from(user, 'utf8').toString('latin1')
      const { body } = await get('/', { 'x-user-id': header })
      const bucket = md5(user)
      const green = bucket < 37
      expect([user, body]).toEqual([user, green ? 'new' : 'old'])
      expect(lastSeen(green ? fresh : old)).toMatchObject({
        'x-sluice-bucket': `${bucket}`,
        'x-sluice-color': green ? 'green' : 'blue',
      })
    }
  })

  it('has the same colour in each service of a group', async () => {
    await weigh({ api: 50, web: 50 })
    expect(await stand.router.read()).toMatchObject({ api: split(50), web: split(50) })
    for (let index = 0; index < 100; index++) {
      const headers = { 'x-user-id': `user-${index}` }
      const [api, web] = [await get('/', headers), await get('/web/x', headers)]
      expect(api.body).toBe(web.body)
    }
  })
})

describe('what services are told', () => {
  it('comes from the router alone, whatever users send', async () => {
    await weigh({ api: 100 })
    const lies = { 'x-sluice-color': 'blue', 'x-sluice-bucket': '99', 'x-sluice-check': 'copier' }
    await get('/', lies)
    const { 'x-sluice-color': colour, ...rest } = lastSeen(fresh)
    expect(colour).toBe('green')
    expect(Object.keys(rest).filter((name) => name.startsWith('x-sluice'))).toEqual([])
  })

  it('has a bucket from 0 to 99 for crc32 too', async () => {
    for (let index = 0; index < 200; index++) await get('/plain', { 'x-user-id': `user-${index}` })
    const buckets = old.seen.slice(-200).map(({ headers }) => Number(headers['x-sluice-bucket']))
    expect(buckets.every((bucket) => Number.isInteger(bucket) && bucket >= 0 && bucket < 100)).toBe(
      true,
    )
    expect(new Set(buckets).size).toBeGreaterThan(50)
  })

  it('moves a service that is one process by what it hears', async () => {
    await weigh({ flagged: 40 })
    for (let index = 0; index < 100; index++) {
      const user = `user-${index}`
      expect((await get('/flagged', { 'x-user-id': user })).body).toBe('one')
      expect(lastSeen(one)['x-sluice-color']).toBe(md5(user) < 40 ? 'green' : 'blue')
    }
    expect(await stand.router.healthy('flagged', 'green')).toBe(true)
    expect(await stand.router.healthy('flagged', 'blue')).toBe(true)
  })

  it('is blue while the guard is down', async () => {
    await weigh({ flagged: 100 })
    await stand.hook.silence()
    try {
      await waitFor(async () => !(await stand.router.guardUp()), {
        timeoutMs: 60_000,
        what: 'the guard to be down',
      })
      await get('/flagged')
      expect(lastSeen(one)['x-sluice-color']).toBe('blue')
      await weigh({ brand: 100 })
      expect((await get('/brand')).status).toBe(404)
    } finally {
      await stand.hook.answer()
    }
    await stand.router.raiseGuard()
    expect((await get('/brand')).status).toBe(200)
  })
})

describe('a service without blue', () => {
  it('is off for the users who are on blue, and that is no failure', async () => {
    await weigh({ brand: 30 })
    stand.hook.lines.length = 0
    const users = Array.from({ length: 50 }, (_, index) => `user-${index}`)
    for (const user of users) {
      const { status } = await get('/brand', { 'x-user-id': user })
      expect([user, status]).toEqual([user, md5(user) < 30 ? 200 : 404])
    }
    const samples = (await logged(50)).map(sampleOf)
    const greens = users.filter((user) => md5(user) < 30).length
    expect(samples.filter(Boolean)).toHaveLength(greens)
    expect(samples.filter((sample) => sample?.bad)).toEqual([])
  })

  it('has no healthy blue, and a healthy green', async () => {
    expect(await stand.router.healthy('brand', 'blue')).toBe(false)
    expect(await stand.router.healthy('brand', 'green')).toBe(true)
  })

  it('is off while green is ill', async () => {
    await weigh({ brand: 100 })
    fresh.healthy = false
    await waitFor(async () => !(await stand.router.healthy('brand', 'green')), {
      timeoutMs: 60_000,
      what: 'green to be ill',
    })
    expect((await get('/brand')).status).toBe(404)
    fresh.healthy = true
    const back = ['brand', 'api', 'web', 'plain'].map(
      (name) => async () => stand.router.healthy(name, 'green'),
    )
    for (const healthy of back) {
      await waitFor(healthy, { timeoutMs: 60_000, what: 'green to be well' })
    }
    expect((await get('/brand')).status).toBe(200)
  })
})

describe('an answer that green got from blue', () => {
  it('is one by its header, and only of green', async () => {
    await weigh({ api: 100 })
    stand.hook.lines.length = 0
    const said = ['', 'false', '0', 'true', 'v1']
    for (const value of said) {
      fresh.headers = { 'x-fallback': value }
      await get('/')
    }
    fresh.status = 500
    await get('/')
    await weigh({ api: 0 })
    old.headers = { 'x-fallback': 'true' }
    await get('/')
    const samples = (await logged(said.length + 2)).map(sampleOf)
    expect(samples.map((sample) => sample?.fallback)).toEqual([
      ...[false, false, false, true, true],
      ...[false, false],
    ])
    expect(samples.map((sample) => sample?.bad)).toEqual([
      ...[false, false, false, false, false],
      ...[true, false],
    ])
  })
})

describe('blue once it is deprecated', () => {
  it('says so, and when it ends, while green has everything and blue answers for it', async () => {
    await stand.apply({ deprecated: true })
    try {
      await weigh({ api: 100 })
      expect((await get('/')).headers).not.toHaveProperty('sunset')
      await fresh.close()
      const { body, headers } = await get('/')
      expect([body, headers['deprecation'], headers['sunset']]).toEqual([
        'old',
        `@${Date.UTC(2025, 5, 1) / 1_000}`,
        'Mon, 01 Sep 2025 00:00:00 GMT',
      ])
      await weigh({ api: 0 })
      expect((await get('/')).headers).not.toHaveProperty('deprecation')
    } finally {
      await fresh.listen()
      await stand.apply()
    }
  })
})
