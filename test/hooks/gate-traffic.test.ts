import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { sendLoad } from '../../hooks/gates/load.ts'
import { type Answer, json } from '../site.ts'
import { ground } from './gate-stand.ts'

const { folder, sites, stand } = ground()
const NOWHERE = { blue: 'http://127.0.0.1:9', green: 'http://127.0.0.1:10' }

describe('parity', () => {
  const REQUESTS = `### pages
GET /page
### mail
POST /mail

{"to": "ann"}
`
  /** A colour that answers later than the mail is sent, and a recorder of what it sends. */
  function sender(subject: string, sends = true) {
    const sent: unknown[] = [{ to: 'before', subject: 'long ago' }]
    const handler: Answer = ({ url, headers, body }, response) => {
      if (url === '/outbox') return json(response, sent)
      if (url === '/mail' && sends) {
        const replay = headers['x-sluice-replay'] ?? null
        setTimeout(
          () => sent.push({ to: JSON.parse(body).to, subject, at: Math.random(), replay }),
          150,
        )
        // A user's mail comes in between.
        sent.push({ to: `user ${Math.random()}`, subject, replay: null })
      }
      json(response, { page: url })
    }
    return handler
  }

  it('compares what both sent out because of it, although users send in between', async () => {
    const { urls } = await sites(sender('Hello'), sender('Hello'))
    const file = join(folder(), 'parity.http')
    writeFileSync(file, REQUESTS)
    const gate = { replay: file, group: 'mail', ignore: ['$.at'], outbox: '/outbox' }
    expect(await stand(urls, { parity: gate }).judge()).toEqual({
      result: 'passed',
      reason:
        '1 of 1 requests had the same answer (100%), 100% must; 1 messages were sent out alike',
    })
  })

  it('fails where green sends something else, or nothing, although it answers alike', async () => {
    for (const green of [sender('Hallo'), sender('', false)]) {
      const { urls } = await sites(sender('Hello'), green)
      const file = join(folder(), 'parity.http')
      writeFileSync(file, REQUESTS)
      const outbox = { blue: `${urls.blue}/outbox`, green: `${urls.green}/outbox` }
      const gate = { replay: file, ignore: ['$.at'], outbox }
      const { result, reason } = await stand(urls, { parity: gate }).judge()
      expect(result).toBe('failed')
      expect(reason).toMatch(/not sent out alike: only blue sent {"to":"ann","subject":"Hello"/)
    }
  })

  it('asks a read again while one side may be behind, and no longer', async () => {
    let asked = 0
    const behind: Answer = (_asked, response) => json(response, { total: ++asked > 2 ? 8 : 7 })
    const { urls } = await sites((_asked, response) => json(response, { total: 8 }), behind)
    const file = join(folder(), 'parity.http')
    writeFileSync(file, '### data\nGET /candidates\n')
    const judged = (lag?: string) => stand(urls, { parity: { replay: file, lag } }).judge()
    expect((await judged()).result).toBe('failed')
    expect((await judged('20s')).result).toBe('passed')
    asked = -1_000
    expect((await judged('300ms')).result).toBe('failed')
  })

  it('is inconclusive without its recorder, and where the file has no such group', async () => {
    const { urls } = await sites()
    const file = join(folder(), 'parity.http')
    writeFileSync(file, REQUESTS)
    const outbox = { blue: `${NOWHERE.blue}/outbox`, green: `${urls.green}/outbox` }
    expect(await stand(urls, { parity: { replay: file, outbox } }).judge()).toMatchObject({
      result: 'inconclusive',
      reason: expect.stringMatching(/^the recorder .* does not answer/),
    })
    expect((await stand(urls, { parity: { replay: file, group: 'chat' } }).judge()).reason).toMatch(
      /has no group "chat"; .* known: pages, mail$/,
    )
  })

  it('sends only the requests of the services that it names', async () => {
    const { urls } = await sites()
    const file = join(folder(), 'parity.http')
    writeFileSync(file, REQUESTS)
    const services = {
      api: { blue: { url: urls.blue }, green: { url: urls.green } },
      mail: { blue: { url: NOWHERE.blue }, green: { url: NOWHERE.green }, routes: ['/mail'] },
    }
    const gate = { replay: file, services: ['api'] }
    const judged = await stand(urls, { parity: gate }, { plan: { services } }).judge()
    expect(judged.reason).toMatch(/^1 of 1 requests had the same answer/)
  })
})

describe('a load', () => {
  const load = { times: 10, for: '1h', errors: '1%', p95: '5s' }
  const baselines = { api: { requests: 900, errors: 0, rate: 4 } }

  it("is ten times blue's rate, sent to green alone, and judged by errors and p95", async () => {
    const { blue, green, urls } = await sites()
    const made = stand(urls, { load: { load } }, { clock: 3_600 })
    made.journal = { ...made.journal, baselines }
    expect(await made.judge()).toMatchObject({
      result: 'passed',
      reason: expect.stringMatching(/^80 requests in .*\(10 times 4\/s\); errors 0%/),
    })
    expect(green.asked).toHaveLength(80)
    expect(green.asked[0]?.url).toBe('/healthz')
    expect(blue.asked).toEqual([])
  })

  it('fails where green fails under it', async () => {
    let count = 0
    const { urls } = await sites(undefined, (_asked, response) => {
      response.statusCode = ++count > 40 ? 503 : 200
      response.end()
    })
    const made = stand(urls, { load: { load } }, { clock: 3_600 })
    made.journal = { ...made.journal, baselines }
    expect(await made.judge()).toMatchObject({
      result: 'failed',
      services: ['api'],
      reason: expect.stringMatching(/errors 50%, at most 1%/),
    })
  })

  it('sends its own requests, each to the service that it belongs to', async () => {
    const { green, urls } = await sites()
    const file = join(folder(), 'load.http')
    writeFileSync(file, 'GET /a\n###\nPOST /b\n\n{}\n')
    const gate = { load: { ...load, requests: file } }
    const made = stand(urls, { load: gate }, { clock: 3_600 })
    made.journal = { ...made.journal, baselines }
    expect((await made.judge()).result).toBe('passed')
    expect(new Set(green.asked.map(({ method, url }) => `${method} ${url}`))).toEqual(
      new Set(['GET /a', 'POST /b']),
    )
  })

  it('is inconclusive while the rate of blue is not recorded', async () => {
    expect((await stand(NOWHERE, { load: { load } }).judge()).reason).toMatch(/not recorded yet/)
  })

  it('ends with the hook, whatever is still to be sent', async () => {
    const { green, urls } = await sites()
    const stop = new AbortController()
    const target = { url: `${urls.green}/`, method: 'GET', headers: {} }
    const planned = { rate: 200, forMs: 600_000, requests: 120_000, note: '' }
    const sending = sendLoad([target], planned, stop.signal)
    await expect.poll(() => green.asked.length).toBeGreaterThan(5)
    stop.abort()
    const { requests } = await sending
    expect(requests).toBeLessThan(120_000)
    const asked = green.asked.length
    expect(asked).toBeLessThanOrEqual(requests)
  })
})
