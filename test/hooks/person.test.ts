import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bench, until } from './bench.ts'

/** What a person does past Pulumi, on the real hook and the real router. */

let bench: Bench
const write = (name: string) => [
  process.execPath,
  '-e',
  `require('node:fs').writeFileSync(process.env.MARK + '${name}', process.env.SLUICE_POSITION)`,
]

beforeAll(async () => {
  bench = await Bench.start(
    {
      flags: { 'new-api': { follows: ['api'] }, fast: {} },
      operations: {
        migrate: {
          run: write('up'),
          at: 'before-first-step',
          down: write('down'),
          environment: { MARK: 'env:SLUICE_TEST_MARK' },
        },
        indices: {
          run: write('indices'),
          at: 'before-first-step',
          environment: { MARK: 'env:SLUICE_TEST_MARK' },
        },
      },
      limits: { flag: '1m', database: '10m', traffic: '2m', service: '30s' },
    },
    {
      environment: {
        SLUICE_TEST_MARK: `${process.env['TMPDIR'] ?? '/tmp'}/sluice-mark-${process.pid}-`,
      },
    },
  )
})
afterAll(() => bench.stop())

const flagFile = () => JSON.parse(readFileSync(join(bench.layout.home, 'flags.json'), 'utf8'))
const percentOf = (flag: string) => flagFile().flags[flag].targeting.if[0]['<'][1]
const mark = (name: string) => `${bench.environment['SLUICE_TEST_MARK']}${name}`

describe('a person', () => {
  it('sees operations run before the first step, and the flags go up with green', async () => {
    await bench.move('start', 0)
    expect(percentOf('new-api')).toBe(0)
    const held = await bench.api('POST', '/v1/admit', {
      request: bench.request('api@25'),
      lastAttempt: 1,
    })
    expect(JSON.stringify(held.body)).toContain('operations.')
    await until('the first step', async () => {
      await bench.move('api@25', 25, 1, 1)
      return true
    })
    expect(readFileSync(mark('up'), 'utf8')).toBe('start')
    expect(existsSync(mark('indices'))).toBe(true)
    expect(percentOf('new-api')).toBe(25)
  })

  it('takes a flag back at once, measured, and cannot raise it above green', async () => {
    const off = await bench.api('PUT', '/v1/flags/new-api', { on: false, by: 'ann' })
    expect(off.body).toMatchObject({ percent: 0, limits: [{ limit: 'flag', kept: true }] })
    expect(percentOf('new-api')).toBe(0)
    const on = await bench.api('PUT', '/v1/flags/new-api', { on: true, by: 'ann' })
    expect(on.body.percent).toBe(25)
    const fast = await bench.api('PUT', '/v1/flags/fast', { on: true, by: 'ann' })
    expect(fast.body.percent).toBe(100)
    expect((await bench.api('PUT', '/v1/flags/none', { on: true, by: 'ann' })).status).toBe(409)
    expect((await bench.journal())?.flags).toEqual({ 'new-api': true, fast: true })
  })

  it('is refused to take a database back while green has traffic, or without a down', async () => {
    const early = await bench.api('POST', '/v1/take-down', { operation: 'migrate', by: 'ann' })
    expect(early.status).toBe(409)
    expect(early.body.error).toContain('only with blue at 100')
    const none = await bench.api('POST', '/v1/take-down', { operation: 'indices', by: 'ann' })
    expect(none.body.error).toContain('those that have: migrate')
  })

  it('rolls a service back, measured against its limit; another name is refused', async () => {
    const wrong = await bench.api('POST', '/v1/rollback', { by: 'ann', reason: '', service: 'web' })
    expect(wrong).toMatchObject({
      status: 409,
      body: { error: expect.stringContaining('it has api') },
    })
    const done = await bench.api('POST', '/v1/rollback', { by: 'ann', reason: 'x', service: 'api' })
    const ofService = [
      // It is all that the plan has, and so the whole traffic.
      { limit: 'traffic', kept: true },
      { limit: 'service', kept: true },
    ]
    expect(done.body).toMatchObject({ latched: true, limits: ofService })
    expect(await bench.greenNow()).toBe(0)
    expect(percentOf('new-api')).toBe(0)
    const tripped = bench.events().find(({ kind }) => kind === 'tripped')
    expect(tripped?.details?.['limits']).toMatchObject(ofService)
  })

  it('then takes the database back, recorded and held against its limit', async () => {
    const begun = await bench.api('POST', '/v1/take-down', { operation: 'migrate', by: 'ann' })
    expect(begun.status).toBe(202)
    await until('the end of it', async () =>
      (await bench.journal())?.operations?.some(
        ({ operation, result }) => operation === 'migrate.down' && result === 'done',
      ),
    )
    expect(existsSync(mark('down'))).toBe(true)
    const told = await until('the event', () =>
      bench.events().find(({ message }) => message.includes('is taken back')),
    )
    expect(told.details?.['limits']).toMatchObject([{ limit: 'database', kept: true }])
  })

  it('closes what is open, and hears where nothing is', async () => {
    const { body } = await bench.api('POST', '/v1/resolve', { guardrail: 'health', by: 'ann' })
    expect(body).toEqual({ closed: 0 })
  })
})
