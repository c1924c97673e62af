import { existsSync, readFileSync } from 'node:fs'
import { type Agent, request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, parseRouterLine, sampleOf } from '../../../hooks/router-log.ts'
import { copierOf, portsOf } from '../../../platforms/local/layout.ts'
import {
  installService,
  serviceStatus,
  startService,
  stopService,
  waitFor,
} from '../../../platforms/local/supervisor.ts'
import { Echo } from './echo.ts'
import { Stand } from './stand.ts'

const stand = new Stand()
const blue = new Echo('blue')
const green = new Echo('green')
const CHECKOUT = join(import.meta.dirname, '..', '..', '..')

beforeAll(async () => {
  await Promise.all([blue.listen(), green.listen()])
  await stand.startWith((listen) => ({
    name: 'stand',
    steps: [100],
    local: { listen },
    services: {
      api: {
        strategy: 'dual-write',
        blue: { url: blue.url },
        green: { url: green.url },
        affinity: { header: 'x-user-id' },
      },
    },
  }))
  const places = copierOf(stand.layout, 'api')
  const log = portsOf(stand.plan).hook
  const settings = { service: 'api', ...places, blue: blue.url, green: green.url, log }
  await installService(stand.layout, 'api-copier', {
    command: [process.execPath, 'platforms/local/copier.ts', JSON.stringify(settings)],
    environment: {},
    cwd: CHECKOUT,
  })
  await copies()
})
afterAll(async () => {
  await stand.stop()
  await Promise.all([blue.close(), green.close()])
})
beforeEach(async () => {
  await stand.weigh(0)
  for (const colour of [blue, green]) {
    Object.assign(colour, { status: 200, hangs: false })
    colour.seen.length = 0
  }
  stand.hook.lines.length = 0
})

const until = (what: string, condition: () => boolean | Promise<boolean>) =>
  waitFor(condition, { timeoutMs: 60_000, what })

/** The router finds the copier, so that writes go through it whichever colour is wanted. */
async function copies(): Promise<void> {
  for (const weight of [100, 0]) {
    await stand.weigh(weight)
    await until('the copier to be there', async () => {
      stand.hook.lines.length = 0
      await send('POST', '/probe')
      await until('its line', () => answers().length > 0)
      return answers()[0]?.server?.startsWith('copier_') ?? false
    })
  }
}

const lines = () => stand.hook.lines.map((text) => parseRouterLine(text))
const answers = () => lines().filter((line): line is Answer => line?.kind === 'answer')
const totals = () => lines().findLast((line) => line?.kind === 'copies')
const paths = ({ seen }: Echo) => seen.map(({ path }) => path)

/** What the copier has given up, from its file. */
function givenUp(): { why: string; path: string; body: string }[] {
  const { failed } = copierOf(stand.layout, 'api')
  if (!existsSync(failed)) return []
  return readFileSync(failed, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function send(
  method: string,
  path: string,
  body = '',
  headers: Record<string, string> = {},
  agent: Agent | false = stand.agent,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve) => {
    const options = { host: '127.0.0.1', port: stand.port, agent }
    request({ ...options, method, path, headers }, (response) => {
      let text = ''
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('error', () => resolve({ status: 0, body: '' }))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }))
    })
      .on('error', () => resolve({ status: 0, body: '' }))
      .end(body)
  })
}

describe('a write of a dual-write service', () => {
  it.each([
    [0, 'blue', blue, green],
    [100, 'green', green, blue],
  ] as const)('at %i is answered by %s, and both have it', async (weight, name, wanted, other) => {
    await stand.weigh(weight)
    const body = 'ü'.repeat(5_000)
    const answer = await send('PUT', '/orders/1?x=%20', body, { 'content-type': 'text/plain' })
    expect(answer).toEqual({ status: 200, body: name })
    await until('the copy', () => other.seen.length > 0)
    expect(other.seen).toHaveLength(1)
    expect(wanted.seen).toHaveLength(1)
    const own = { method: 'PUT', path: '/orders/1?x=%20', body }
    expect(wanted.seen[0]).toMatchObject({ ...own, headers: { 'x-sluice-color': name } })
    expect(other.seen[0]).toMatchObject({
      ...own,
      headers: { 'x-sluice-color': other.name, 'content-type': 'text/plain' },
    })
    expect(other.seen[0]?.headers['x-sluice-copy']).toMatch(/^[0-9a-f-]{36}$/)
    await until('its line', () => answers().length > 0)
    const line = answers()[0] as Answer
    expect([line.server, sampleOf(line)]).toMatchObject([
      `copier_${name}`,
      { colour: name, bad: false },
    ])
  })

  it('is copied once the other colour is back, in the order of the answers', async () => {
    const before = totals()
    await green.close()
    try {
      for (let index = 0; index < 20; index++) {
        expect((await send('POST', `/${index}`)).status).toBe(200)
      }
    } finally {
      await green.listen()
    }
    await until('the copies', () => green.seen.length >= 20)
    expect(paths(green)).toEqual(paths(blue))
    await until('the hook to hear of them', () => {
      const now = totals()
      return now?.kind === 'copies' && now.ok >= 20 && now !== before
    })
  })

  it('is not copied where it took no effect, and given up where the other one refuses', async () => {
    const before = givenUp().length
    blue.status = 422
    expect((await send('POST', '/refused')).status).toBe(422)
    blue.status = 201
    green.status = 409
    expect((await send('POST', '/conflict', 'this')).status).toBe(201)
    await until('the file', () => givenUp().length > before)
    expect(paths(green)).toEqual(['/conflict'])
    const last = givenUp().at(-1)
    expect(last).toMatchObject({ path: '/conflict', why: 'green answered 409' })
    expect(Buffer.from(last?.body ?? '', 'base64').toString()).toBe('this')
  })
})

describe('a read of a dual-write service', () => {
  it('goes by weight, past the copier', async () => {
    await stand.weigh(100)
    expect((await send('GET', '/')).body).toBe('green')
    expect([green.seen.length, blue.seen.length]).toEqual([1, 0])
    await until('its line', () => answers().length > 0)
    expect(answers()[0]?.server).toBe('green')
  })
})

describe('a copier that is killed', () => {
  async function kill(): Promise<void> {
    const { pid } = await serviceStatus(stand.layout, 'api-copier')
    process.kill(pid as number, 'SIGKILL')
    await until('it to be back', async () => {
      const status = await serviceStatus(stand.layout, 'api-copier')
      return status.up && status.pid !== pid
    })
  }

  it('owes no copy of a write that was answered', async () => {
    await green.close()
    try {
      const sent = Array.from({ length: 50 }, (_, index) => send('POST', `/${index}`))
      expect((await Promise.all(sent)).every(({ status }) => status === 200)).toBe(true)
      await kill()
    } finally {
      await green.listen()
    }
    await until('the copies', () => green.seen.length >= 50)
    expect(paths(green).sort()).toEqual(paths(blue).sort())
    await copies()
  })

  it('says which writes nobody knows of, and they are no failure of a colour', async () => {
    blue.hangs = true
    // On a connection that was used before, HAProxy neither answers nor logs what breaks off.
    const unanswered = send('POST', '/hanging', '', {}, false)
    await until('blue to have it', () => blue.seen.length > 0)
    await kill()
    expect((await unanswered).status).toBe(502)
    await until('the file', () => givenUp().at(-1)?.path === '/hanging')
    expect(givenUp().at(-1)?.why).toMatch(/nobody knows/)
    await until('its line', () => answers().length > 0)
    expect(sampleOf(answers()[0] as Answer)).toBeUndefined()
    blue.hangs = false
    await copies()
  })

  it('costs no answer while it is away, and the log says that nothing was copied', async () => {
    await stopService(stand.layout, 'api-copier')
    try {
      for (let index = 0; index < 10; index++) {
        expect(await send('POST', '/straight')).toEqual({ status: 200, body: 'blue' })
      }
      await until('the lines', () => answers().length >= 10)
      expect(new Set(answers().map(({ server }) => server))).toEqual(new Set(['uncopied_blue']))
      expect(green.seen).toEqual([])
    } finally {
      await startService(stand.layout, 'api-copier')
    }
    await copies()
  })
})
