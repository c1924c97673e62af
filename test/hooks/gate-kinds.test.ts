import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FileStore } from '../../platforms/local/file-store.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { split } from '../../rollout/weights.ts'
import { json } from '../site.ts'
import { type GateStand, ground } from './gate-stand.ts'

const { folder, sites, stand } = ground()
const NOWHERE = { blue: 'http://127.0.0.1:9', green: 'http://127.0.0.1:10' }

describe('a table of cases', () => {
  const CASES = `
- name: questionnaires
  request: { method: POST, path: /match, headers: { X-Tenant: a }, body: { skills: 6 } }
  expect: { status: 200, json: { algorithm: nexten } }
- name: an unknown path
  request: { path: /nowhere }
  expect: { status: 404 }
`
  it('is asked of green alone, past the router, and every failure is named', async () => {
    const { blue, green, urls } = await sites(undefined, ({ url, body }, response) => {
      if (url === '/nowhere') return json(response, {}, 404)
      json(response, { algorithm: JSON.parse(body).skills > 5 ? 'nexten' : 'smart', ms: 3 })
    })
    const file = join(folder(), 'rules.yaml')
    writeFileSync(file, CASES)
    const gates = { rules: { cases: file } }
    expect(await stand(urls, gates).judge()).toEqual({
      result: 'passed',
      reason: '2 of 2 cases were answered as expected',
    })
    expect(blue.asked).toEqual([])
    expect(green.asked[0]).toMatchObject({
      method: 'POST',
      url: '/match',
      headers: { 'x-tenant': 'a', 'content-type': 'application/json' },
      body: '{"skills":6}',
    })
    writeFileSync(file, CASES.replace('nexten', 'other'))
    expect((await stand(urls, gates).judge()).reason).toBe(
      '1 of 2 cases were answered as expected; questionnaires: $.algorithm is "nexten", expected "other"',
    )
  })

  it('is inconclusive where green does not answer, or the file is not there', async () => {
    const file = join(folder(), 'rules.yaml')
    writeFileSync(file, CASES)
    expect(await stand(NOWHERE, { rules: { cases: file } }).judge()).toMatchObject({
      result: 'inconclusive',
      reason: expect.stringMatching(/questionnaires: no answer, /),
    })
    expect(await stand(NOWHERE, { rules: { cases: `${file}.not` } }).judge()).toMatchObject({
      result: 'inconclusive',
      reason: expect.stringMatching(/ENOENT/),
    })
  })
})

describe('a suite', () => {
  const node = (script: string) => [process.execPath, '-e', script]

  it('passes with exit code 0, and knows the rollout, the position and its own variables', async () => {
    const script =
      'console.log([process.env.SLUICE_ROLLOUT, process.env.SLUICE_POSITION, process.env.SLUICE_SERVICE, process.env.MINE].join(" "))'
    const gate = { run: node(script), environment: { MINE: 'x' }, services: ['api'] }
    expect(await stand(NOWHERE, { suite: gate }).judge()).toEqual({
      result: 'passed',
      reason: 'exit code 0: shop api@25 api x',
    })
  })

  it('runs with each flag off and on, and says with which it fails', async () => {
    const script =
      'process.exit(process.env.SLUICE_FLAG_NEW_AUTH === "true" && process.env.NEW_AUTH === "true" ? 3 : 0)'
    const flags = { flags: { 'new-auth': {}, other: {} } }
    const gate = { run: node(script), flags: ['other', 'new-auth'] }
    const { result, reason } = await stand(NOWHERE, { suite: gate }, { plan: flags }).judge()
    expect(result).toBe('failed')
    expect(reason).toMatch(/^with new-auth on: .*exit code 3$/)
  })

  it('fails at its timeout, and is cut off where the hook stops', async () => {
    const hangs = { run: node('setInterval(() => {}, 1000)'), timeout: '1s' }
    expect((await stand(NOWHERE, { suite: hangs }).judge()).reason).toMatch(/^ended after 1s/)
    const forever = stand(NOWHERE, { suite: { ...hangs, timeout: '10m' } })
    const judging = forever.judge()
    forever.stop.abort()
    expect((await judging).result).toBe('inconclusive')
  })
})

describe('the logs of green', () => {
  const logs = { logs: { pattern: 'ERROR ([A-Za-z]+)' } }
  function written(made: GateStand, colour: string, lines: string[], file = 'current') {
    const at = join(made.layout.logs, `api-${colour}`)
    mkdirSync(at, { recursive: true })
    writeFileSync(join(at, file), `${lines.join('\n')}\n`)
  }
  const command = (port: number) => ({ command: ['x'], port })
  const plan = { services: { api: { blue: command(9001), green: command(9002) } } }

  it('pass with errors that blue has too, whether in its log now or in one put aside', async () => {
    const made = stand(NOWHERE, { logs }, { plan })
    written(made, 'green', ['2026-11-21_12:00:00.1 ERROR Timeout', 'ERROR Full'])
    written(made, 'blue', ['ERROR Timeout'])
    written(made, 'blue', ['ERROR Full'], '@4000000065a1b2c3d4e5f607.s')
    expect(await made.judge()).toMatchObject({ result: 'passed' })
  })

  it('fail with a type that came since the first step and that blue never had', async () => {
    const made = stand(NOWHERE, { logs }, { plan })
    const store = new FileStore(made.layout)
    await store.appendEvent({
      at: '2026-11-21T12:00:00.000Z',
      kind: 'weights',
      message: '',
      severity: 'info',
      details: { to: 5 },
    })
    written(made, 'blue', ['all is well'])
    written(made, 'green', ['2026-11-21_11:59:00.0 ERROR Starting'])
    expect((await made.judge()).result).toBe('passed')
    written(made, 'green', ['2026-11-21_12:00:01.0 ERROR Leak'])
    expect(await made.judge()).toMatchObject({
      result: 'failed',
      reason: "green's log has what blue's never had: Leak (1 times)",
      services: ['api'],
    })
  })

  it('of one process for both colours are compared with what it said before the first step', async () => {
    const services = { api: { blue: command(9001), green: { servedBy: 'api.blue', flag: 'new' } } }
    const made = stand(
      NOWHERE,
      { logs },
      { plan: { services, flags: { new: { follows: ['api'] } } } },
    )
    await new FileStore(made.layout).appendEvent({
      at: '2026-11-21T12:00:00.000Z',
      kind: 'weights',
      message: '',
      severity: 'info',
      details: { to: 5 },
    })
    const before = '2026-11-21_11:59:00.0 ERROR Timeout'
    written(made, 'blue', [before, '2026-11-21_12:00:01.0 ERROR Timeout'])
    expect((await made.judge()).result).toBe('passed')
    written(made, 'blue', [before, '2026-11-21_12:00:01.0 ERROR Leak'])
    expect(await made.judge()).toMatchObject({
      result: 'failed',
      reason: "green's log has what blue's never had: Leak (1 times)",
    })
  })

  it('are inconclusive where there is none', async () => {
    expect((await stand(NOWHERE, { logs }, { plan }).judge()).reason).toMatch(/has no log in/)
  })
})

describe('a rehearsal', () => {
  it('passes once the environment beside this one has come back to 0', async () => {
    const environments = ['staging', 'production']
    const made = stand(NOWHERE, { seen: { rehearsed: 'staging' } }, { plan: { environments } })
    expect((await made.judge()).reason).toMatch(/staging has no home .*shop-staging/)
    const other = layoutOf(join(made.folder, 'shop-staging'))
    const store = new FileStore(other)
    await store.appendEvent({ at: '', kind: 'verified', message: '', severity: 'info' })
    expect((await made.judge()).reason).toMatch(/has never rolled back/)
    await store.appendEvent({
      at: '2026-11-21T12:00:00Z',
      kind: 'tripped',
      message: '',
      severity: 'critical',
      details: {
        trip: 1,
        record: { position: 'api@25', landing: 'start' },
        weights: { api: split(0) },
      },
    })
    expect((await made.judge()).result).toBe('passed')
  })
})

describe('a gate that names services', () => {
  it('has nothing to judge where they have no traffic yet', async () => {
    const services = {
      api: { blue: { url: NOWHERE.blue }, green: { url: NOWHERE.green } },
      web: {
        blue: { url: 'http://127.0.0.1:11' },
        green: { url: 'http://127.0.0.1:12' },
        routes: ['/web'],
      },
    }
    const gate = { metric: 'error-rate', below: '1%', services: ['web'] }
    const made = stand(NOWHERE, { steady: gate }, { plan: { services } })
    made.weights = { api: split(25), web: split(0) }
    expect(await made.judge()).toEqual({
      result: 'passed',
      reason: 'web has no traffic on green here: nothing to judge',
    })
    made.weights = { api: split(25), web: split(25) }
    expect((await made.judge()).result).toBe('inconclusive')
  })
})
