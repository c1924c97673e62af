import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { Server } from '../platforms/local/server.ts'
import { Bench, until } from './bench.ts'

const HEALTH = { health: { check: '/healthz', every: '1s', then: 'rollback' } }
const STEPS = (gate: string) => [{ weight: 25, gates: [gate] }, 100]

let bench: Bench | undefined
const folder = mkdtempSync(join(tmpdir(), 'sluice-running-'))
afterEach(async () => {
  await bench?.stop()
  bench = undefined
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A command that passes while a file is there. */
function whileThere(file: string): string[] {
  const script = 'process.exit(require("node:fs").existsSync(process.argv[1]) ? 0 : 1)'
  return [process.execPath, '-e', script, file]
}

/** A command that tells its process and does not end. */
function endless(file: string): string[] {
  const script =
    'require("node:fs").writeFileSync(process.argv[1], String(process.pid)); setInterval(() => {}, 1000)'
  return [process.execPath, '-e', script, file]
}

const verdict = async (gate: string) =>
  (await bench?.journal())?.verdicts.find((one) => one.gate === gate)

async function isGone(file: string): Promise<boolean> {
  const pid = readFileSync(file, 'utf8')
  return !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
}

describe('a gate that the hook judges', () => {
  it('is recorded as running first, and takes green back where it fails and says so', async () => {
    const [pid, there] = [join(folder, 'slow'), join(folder, 'never')]
    bench = await Bench.start({
      guardrails: HEALTH,
      steps: [{ weight: 25, gates: ['slow', 'fails'] }, 100],
      gates: {
        slow: { run: endless(pid), timeout: '5s' },
        fails: { run: whileThere(there), otherwise: 'rollback' },
      },
    })
    await bench.toFirstStep()
    await until('it to run', async () => (await verdict('slow'))?.result === 'running')
    await until('its process', () => existsSync(pid))
    await until('its end', async () => (await verdict('slow'))?.result === 'failed')
    expect((await verdict('slow'))?.reason).toMatch(/^ended after 5s/)
    const latch = await until('a rollback', async () => {
      const found = await bench?.latch()
      return found?.latched && found
    })
    expect(latch.trip).toMatchObject({ cause: 'fails', position: 'api@25', landing: 'start' })
    await until('green at 0', async () => (await bench?.greenNow()) === 0)
    expect(await isGone(pid)).toBe(true)
  })

  it.each([
    ['a rollback', (b: Bench) => b.api('POST', '/v1/rollback', { by: 'ann', reason: 'x' })],
    ['the end of the hook', (b: Bench) => b.killHook('SIGTERM')],
  ])('ends its command with %s', async (_what, end) => {
    const pid = join(folder, `endless-${_what.length}`)
    bench = await Bench.start({
      guardrails: HEALTH,
      steps: STEPS('suite'),
      gates: { suite: { run: endless(pid) } },
    })
    await bench.toFirstStep()
    await until('its process', () => existsSync(pid) && readFileSync(pid, 'utf8') !== '')
    await end(bench)
    await until('its end', () => isGone(pid))
  })

  it('does not count what green answered while the step settled', async () => {
    bench = await Bench.start({
      guardrails: { health: { ...HEALTH.health, every: '1h' } },
      settle: '8s',
      bake: '2s',
      steps: STEPS('steady'),
      gates: { steady: { metric: 'error-rate', below: '1%' } },
    })
    await bench.toFirstStep()
    const load = bench.load(200)
    bench.green.status = 500
    await until('errors', async () => {
      const { body } = await bench!.api('GET', '/v1/measure/api/green?windowMs=60000')
      return body.errors > 10
    })
    bench.green.status = 200
    const passed = await until('the verdict', () => verdict('steady'))
    await load.stop()
    expect(passed.reason).toMatch(/^error rate 0% over \d+ answers, below 1%$/)
  })
})

describe('a guardrail that is a gate', () => {
  it('is judged again and again while green has traffic, and trips once it fails', async () => {
    const there = join(folder, 'there')
    bench = await Bench.start({
      guardrails: { ...HEALTH, contract: { gate: 'suite', every: '1s', then: 'rollback' } },
      gates: { suite: { run: whileThere(there) } },
    })
    // At start nobody is on green: it is not judged, and holds nothing.
    writeFileSync(there, '')
    await bench.toFirstStep()
    expect(bench.events().filter(({ kind }) => kind === 'alarm')).toEqual([])
    rmSync(there)
    const latch = await until('a rollback', async () => {
      const found = await bench?.latch()
      return found?.latched && found
    })
    expect(latch.trip).toMatchObject({
      cause: 'contract',
      threshold: 'gate suite passes',
      services: ['api'],
    })
    await until('green at 0', async () => (await bench?.greenNow()) === 0)
    // Without traffic it is not judged, and keeps no new attempt from beginning.
    await until('the end of the alarm', async () => {
      const { body } = await bench!.api('GET', '/v1/observation')
      return body.alarms.length === 0
    })
  })

  it('that holds is an alarm until it passes again, and inconclusive changes nothing', async () => {
    const file = join(folder, 'rules.yaml')
    const rules = (status: number) =>
      `[{ name: a, request: { path: /x }, expect: { status: ${status} } }]`
    writeFileSync(file, rules(418))
    bench = await Bench.start({
      guardrails: { ...HEALTH, rules: { gate: 'rules', every: '1s', then: 'hold' } },
      gates: { rules: { cases: file } },
    })
    await bench.toFirstStep()
    const alarms = async () =>
      (await bench!.api('GET', '/v1/observation')).body.alarms as { guardrail: string }[]
    await until('the alarm', async () => (await alarms())[0]?.guardrail === 'rules')
    // The file is wrong: it says neither that it holds nor that it is over.
    writeFileSync(file, 'nonsense')
    // Nothing tells that it has been judged; in this time it is, twice.
    await new Promise((done) => setTimeout(done, 2_500))
    expect(await alarms()).toHaveLength(1)
    writeFileSync(file, rules(200))
    await until('its end', async () => (await alarms()).length === 0)
    expect(await bench.latch()).toMatchObject({ latched: false })
  })
})

describe('the integrity of data', () => {
  let server: Server
  beforeAll(async () => {
    server = await Server.start(['old', 'new'])
  })
  afterAll(() => server?.remove())

  async function start(): Promise<Bench> {
    for (const database of ['old', 'new']) {
      await server.query(
        database,
        `drop table if exists orders; create table orders (id int primary key, total int);
         insert into orders select n, n from generate_series(1, 9) n`,
      )
    }
    const started = await Bench.start(
      {
        guardrails: { ...HEALTH, integrity: { gate: 'data', every: '1s', then: 'investigate' } },
        gates: { data: { compare: { blue: 'env:OLD_URL', green: 'env:NEW_URL' } } },
      },
      { environment: { OLD_URL: server.url('old'), NEW_URL: server.url('new') } },
    )
    await started.toFirstStep()
    return started
  }

  it('opens an investigation where rows were changed, and leaves green where it is', async () => {
    bench = await start()
    await server.query('new', 'update orders set total = 0 where id = 4')
    const opened = await until('an investigation', async () => {
      return (await bench?.journal())?.investigations?.[0]
    })
    expect(opened).toMatchObject({ guardrail: 'integrity', service: 'api', position: 'api@25' })
    expect(opened.value).toMatch(/public\.orders: .*1 changed \(4\)/)
    expect(await bench.latch()).toMatchObject({ latched: false })
    expect(await bench.greenNow()).toBe(25)
  })

  it('rolls back where rows are lost, although the guardrail says investigate', async () => {
    bench = await start()
    await server.query('new', 'delete from orders where id = 4')
    const latch = await until('a rollback', async () => {
      const found = await bench?.latch()
      return found?.latched && found
    })
    expect(latch.trip?.cause).toBe('integrity')
    expect(latch.trip?.value).toMatch(/public\.orders: .*1 lost \(4\)/)
    await until('green at 0', async () => (await bench?.greenNow()) === 0)
    expect((await bench.journal())?.investigations ?? []).toEqual([])
  })
})
