import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, renameSync, rmdirSync, statSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { Site } from '../site.ts'
import { Bench, until } from './bench.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ERRORS = { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } }
// Judged by Prometheus alone, which these benches do not run.
const HELD = { errors: { metric: 'error-rate', above: '5%', for: '2m', then: 'rollback' } }
const HEALTH = { health: { check: '/healthz', every: '1s', then: 'rollback' } }

let bench: Bench
const sites: Site[] = []
afterEach(async () => {
  await bench?.stop()
  for (const site of sites.splice(0)) await site.close()
})

/** A site that is there for one test. */
async function opened(...answer: Parameters<typeof Site.open>): Promise<Site> {
  const site = await Site.open(...answer)
  sites.push(site)
  return site
}

/** Journal and latch of a rollout at api@25, as an update leaves them, whatever Prometheus says. */
async function standAt25(b: Bench): Promise<void> {
  await b.move('start', 0)
  await b.killHook()
  const { FileStore } = await import('../../platforms/local/file-store.ts')
  const store = new FileStore(b.layout)
  const weights = { api: { blue: 75, green: 25 } }
  const journal = (await b.journal())!
  await store.writeJournal({
    ...journal,
    verified: { position: 'api@25', at: new Date().toISOString() },
    weights,
  })
  // The hook comes back to a green without traffic: on a slow machine it was away for too long.
  await b.startHook()
  await b.router.write(weights)
  await until('the hook to know', async () => {
    const { body } = await b.api('GET', '/v1/observation')
    return body.live?.api?.green === 25
  })
}

describe('the hook', () => {
  it('rolls back and latches when green fails, without Prometheus', async () => {
    bench = await Bench.start({ guardrails: ERRORS })
    await standAt25(bench)
    const load = bench.load(400)
    await until('green to answer', async () => {
      const { body } = await bench.api('GET', '/v1/measure/api/green?windowMs=60000')
      return body.requests > 20
    })
    expect(await bench.greenNow()).toBe(25)
    bench.green.status = 500
    await until('green at 0', async () => (await bench.greenNow()) === 0)
    const latch = await until('the latch', async () => {
      const found = await bench.latch()
      return found?.latched && found
    })
    await load.stop()
    expect(latch).toMatchObject({
      trips: 1,
      attempt: 1,
      trip: { cause: 'errors', threshold: '5%' },
    })
    expect(latch.trip?.position).toBe('api@25')
    // Told after it is done.
    const tripped = await until('the news', () =>
      bench.events().find(({ kind }) => kind === 'tripped'),
    )
    expect(tripped?.message).toMatch(/^ROLLED BACK in [\d.]+m?s: /)
    expect(tripped?.details).toMatchObject({ trip: 1, weights: { api: { blue: 100, green: 0 } } })
    // Healthy again, green stays where it is.
    bench.green.status = 200
    const refused = await bench.api('PUT', '/v1/weights/api', { blue: 75, green: 25 })
    expect(refused.status).toBe(409)
    expect(refused.body.error).toMatch(/latched, trip 1, errors/)
    expect(await bench.greenNow()).toBe(0)
  })

  it('takes a second attempt, from the landing, once it is acknowledged', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    expect(
      (await bench.api('POST', '/v1/rollback', { by: 'ann', reason: 'x' })).body,
    ).toMatchObject({
      latched: true,
      via: 'hook',
      weights: { api: { green: 0 } },
    })
    const held = await bench.api('POST', '/v1/admit', { request: bench.request('api@50') })
    expect(held.status).toBe(409)
    await bench.move('start', 0, 2, 1)
    expect(await bench.latch()).toMatchObject({ latched: false, attempt: 2 })
    await until('a new first step', async () => {
      await bench.move('api@25', 25, 2, 2)
      return true
    })
    expect(await bench.greenNow()).toBe(25)
  })

  it('counts fifty alarms at once as one trip', async () => {
    bench = await Bench.start({ guardrails: HELD })
    await standAt25(bench)
    const labels = { alertname: 'errors', guardrail: 'errors', service: 'api', then: 'rollback' }
    const answers = await Promise.all(Array.from({ length: 50 }, () => bench.alert(labels)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await bench.greenNow()).toBe(0)
    expect(await bench.latch()).toMatchObject({ latched: true, trips: 1 })
    expect(bench.events().filter(({ kind }) => kind === 'tripped')).toHaveLength(1)
    // The end of the alarm takes nothing back.
    await bench.alert(labels, { endsAt: new Date(Date.now() - 1_000).toISOString() })
    expect(await bench.latch()).toMatchObject({ latched: true, trips: 1 })
  })

  it('does nothing for alarms of guardrails that the plan does not have', async () => {
    bench = await Bench.start({ guardrails: HELD })
    await standAt25(bench)
    for (const labels of [
      { guardrail: 'nobody', service: 'api', then: 'rollback' },
      { guardrail: 'errors', service: 'nobody', then: 'rollback' },
      { guardrail: '__proto__', service: 'api', then: 'rollback' },
      { alertname: 'bare' },
    ]) {
      expect((await bench.alert(labels as unknown as Record<string, string>)).status).toBe(200)
    }
    expect((await bench.alert({ guardrail: 'errors', service: 'api' }, {}, 'wrong')).status).toBe(
      401,
    )
    expect(await bench.latch()).toMatchObject({ latched: false })
    expect(await bench.greenNow()).toBe(25)
  })

  it('asks for the token on every route that changes or tells something', async () => {
    bench = await Bench.start()
    for (const [method, path] of [
      ['GET', '/v1/observation'],
      ['GET', '/v1/weights'],
      ['POST', '/v1/admit'],
      ['PUT', '/v1/weights/api'],
      ['POST', '/v1/rollback'],
      ['PUT', '/v1/plan'],
      ['GET', '/v1/status'],
      ['POST', '/api/v2/alerts'],
    ] as const) {
      const body = method === 'GET' ? undefined : {}
      expect((await bench.api(method, path, body, '')).status, path).toBe(401)
      expect((await bench.api(method, path, body, 'wrong')).status, path).toBe(401)
    }
    expect((await bench.api('POST', '/v1/rollback', { by: 7 })).status).toBe(400)
    expect((await bench.api('PUT', '/v1/weights/api', { blue: 1, green: 2 })).status).toBe(400)
    expect((await bench.api('PUT', '/v1/weights/nobody', { blue: 100, green: 0 })).status).toBe(400)
    expect((await bench.api('POST', '/v1/admit', { request: {} })).status).toBe(400)
    expect((await bench.api('GET', '/healthz', undefined, '')).body.planHash).toBe(bench.planHash)
  })

  it('holds every rise while Prometheus is silent, and rolls nothing back for it', async () => {
    bench = await Bench.start({ guardrails: HELD })
    await standAt25(bench)
    const { body } = await bench.api('GET', '/v1/observation')
    expect(body.alarms.unavailable).toMatch(/Prometheus has not told/)
    const answer = await bench.api('POST', '/v1/admit', { request: bench.request('api@50') })
    expect(answer.status).toBe(409)
    expect(answer.body.refusals.map(({ place }: { place: string }) => place)).toContain('alarms')
    expect(await bench.greenNow()).toBe(25)
  })

  it('does not count the time for which it was stopped', async () => {
    bench = await Bench.start({ bake: '10m' })
    await bench.toFirstStep()
    await until('guarded time', async () => ((await bench.journal())?.guardedMs ?? 0) > 500)
    const before = await bench.journal()
    const from = performance.now()
    bench.hook?.kill('SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 3_000))
    bench.hook?.kill('SIGCONT')
    await until('the gap to be announced', () =>
      bench
        .events()
        .some(({ kind, message }) => kind === 'guard' && /does not count/.test(message)),
    )
    const after = await bench.journal()
    const passed = performance.now() - from
    expect(after?.verified.at === before?.verified.at || (await bench.latch())?.latched).toBe(true)
    const counted = (after?.guardedMs ?? 0) - (before?.guardedMs ?? 0)
    expect(counted).toBeLessThan(passed - 2_900)
    const trip = (await bench.latch())?.trip
    // A machine that is busy enough makes the router miss the hook before it is stopped here.
    const why = /^(standing still for \d+(\.\d)? s|too slow for the checks of the router)$/
    if (trip) expect(trip.value).toMatch(why)
  })

  it('keeps green over a restart, and rolls back after a long absence', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    await until('a heartbeat', () => statSync(bench.layout.hook.heartbeat).mtimeMs > 0)
    const last = statSync(bench.layout.hook.heartbeat).mtimeMs
    await bench.killHook()
    await bench.startHook()
    // On a machine that is too slow for a restart within two seconds, the other case holds.
    const away = Date.now() - last
    if (away < 1_500) {
      expect(await bench.greenNow()).toBe(25)
      expect(await bench.latch()).toMatchObject({ latched: false })
    } else if ((await bench.latch())?.latched) return

    await bench.killHook()
    await until('the router to miss the hook', async () => !(await bench.router.guardUp()))
    await new Promise((resolve) => setTimeout(resolve, 2_500))
    await bench.startHook()
    await until('the latch', async () => (await bench.latch())?.latched)
    expect((await bench.latch())?.trip).toMatchObject({ cause: 'guard', position: 'api@25' })
    expect((await bench.latch())?.trip?.value).toMatch(/^away for \d+(\.\d)? s$/)
    expect(await bench.greenNow()).toBe(0)
    await until('the guard', () => bench.router.guardUp())
  })

  it('asserts a latch that another process wrote, and tells people of it', async () => {
    const pager = await opened()
    bench = await Bench.start(
      { notify: { everyone: { webhook: 'env:BENCH_PAGER' } } },
      { environment: { BENCH_PAGER: pager.url } },
    )
    await bench.toFirstStep()
    const { FileStore } = await import('../../platforms/local/file-store.ts')
    const { latchAt } = await import('../../rollout/latch.ts')
    const latch = (await bench.latch())!
    const trip = {
      position: 'api@25',
      landing: 'start',
      cause: 'rollback',
      value: 'asked for by another',
      threshold: '-',
      at: new Date().toISOString(),
      reason: 'another process',
    }
    const ceiling = { api: { blue: 100, green: 0 } }
    await new FileStore(bench.layout).writeLatch(latchAt(latch, trip, ceiling))
    await until('green at 0', async () => (await bench.greenNow()) === 0)
    await until('the news', () =>
      pager.asked.some(({ body }) => /rolled back past the hook/.test(body)),
    )
  })

  it('takes nothing back while the latch cannot be read, and raises nothing', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    const { latch } = bench.layout.hook
    renameSync(latch, `${latch}.kept`)
    mkdirSync(latch)
    await until('people to be told', () =>
      bench.events().some(({ message }) => /^the latch cannot be read/.test(message)),
    )
    const answer = await bench.api('POST', '/v1/admit', {
      request: bench.request('api@50'),
      lastAttempt: 1,
    })
    expect(answer.status).not.toBe(200)
    expect(await bench.greenNow()).toBe(25)
    rmdirSync(latch)
    renameSync(`${latch}.kept`, latch)
    const load = bench.load(100)
    await until('the bake to go on', async () => {
      return (
        (await bench.api('POST', '/v1/admit', { request: bench.request('api@50') })).status === 200
      )
    })
    await load.stop()
    expect(bench.events().filter(({ kind }) => kind === 'tripped')).toEqual([])
  })

  it('guards green also where it starts while the latch cannot be read', async () => {
    bench = await Bench.start({ guardrails: ERRORS })
    await standAt25(bench)
    await bench.killHook()
    const { latch } = bench.layout.hook
    renameSync(latch, `${latch}.kept`)
    mkdirSync(latch)
    await bench.startHook()
    const load = bench.load(400)
    bench.green.status = 500
    await until('green at 0', async () => (await bench.greenNow()) === 0)
    await load.stop()
    rmdirSync(latch)
  })

  it('takes a latch that makes no sense for latched', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    writeFileSync(bench.layout.hook.latch, '{"trips":')
    await until('green at 0', async () => (await bench.greenNow()) === 0)
    expect((await bench.latch())?.trip).toMatchObject({ cause: 'latch missing' })
  })

  it('lets a rollback win over weights that are being set', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    const request = bench.request('api@50')
    for (let i = 0; i < 40; i++) await bench.send()
    await until('the bake', async () => {
      return (await bench.api('POST', '/v1/admit', { request })).status === 200
    })
    const rises = Array.from({ length: 20 }, () =>
      bench.api('PUT', '/v1/weights/api', { blue: 50, green: 50 }),
    )
    const rollback = bench.api('POST', '/v1/rollback', { by: 'ann', reason: 'now' })
    await Promise.all([...rises, rollback])
    expect((await rollback).body.latched).toBe(true)
    expect(await bench.greenNow()).toBe(0)
    expect((await bench.latch())?.latched).toBe(true)
  })

  it('rolls back at once when the router finds green dead', async () => {
    bench = await Bench.start()
    await bench.toFirstStep()
    const load = bench.load(100)
    bench.green.close()
    await until('green at 0', async () => (await bench.greenNow()) === 0)
    const seen = await load.stop()
    expect((await bench.latch())?.trip).toMatchObject({ cause: 'health', threshold: 'up' })
    expect(Object.keys(seen)).toEqual(['200'])
  })

  it('is not delayed by a notification that hangs', async () => {
    const hanging = await opened(() => {})
    bench = await Bench.start(
      { notify: { everyone: { webhook: 'env:BENCH_PAGER' } } },
      { environment: { BENCH_PAGER: `${hanging.url}/secret-path` } },
    )
    await bench.toFirstStep()
    const answer = await bench.api('POST', '/v1/rollback', { by: 'ann', reason: '' })
    expect(answer.body).toMatchObject({ latched: true })
    expect(answer.body.tookMs).toBeLessThan(2_000)
    const { body } = await bench.api('GET', '/v1/status')
    expect(body.notifications.pending).toBeGreaterThan(0)
    expect(bench.output).not.toMatch(/secret-path/)
  })

  it('measures a baseline of blue before the first step, and keeps it', async () => {
    bench = await Bench.start({ minimumRequests: 30 })
    await bench.move('start', 0)
    const load = bench.load(100)
    await until('a baseline', async () => (await bench.journal())?.baselines['api'])
    await until('the first step', async () => {
      await bench.move('api@25', 25, 1, 1)
      return true
    })
    const kept = (await bench.journal())?.baselines['api']
    await until('answers of green', async () => {
      return ((await bench.journal())?.green['api']?.requests ?? 0) > 30
    })
    await load.stop()
    expect((await bench.journal())?.baselines['api']).toEqual(kept)
    expect(kept?.p95).toBeGreaterThan(0)
    const metrics = (await bench.api('GET', '/metrics')).body as string
    expect(metrics).toMatch(/sluice_baseline_seconds\{service="api",quantile="0.95"\} 0\.\d/)
    expect(metrics).toMatch(/sluice_requests_total\{service="api",color="green",outcome="bad"\} 0/)
  })

  it('judges the gates at the end of a bake, and rolls back where a gate says so', async () => {
    bench = await Bench.start({
      steps: [{ weight: 25, bake: '1s', gates: ['steady'] }, 100],
      guardrails: HEALTH,
      gates: {
        steady: { metric: 'p95', below: '20ms', over: 'bake', otherwise: 'rollback' },
      },
    })
    await bench.toFirstStep()
    bench.green.delayMs = 100
    const load = bench.load(100)
    await until('the latch', async () => (await bench.latch())?.latched)
    await load.stop()
    expect((await bench.latch())?.trip?.cause).toBe('steady')
    expect((await bench.latch())?.trip?.value).toMatch(
      /^p95 \d+ms over \d+ answers, not below 20ms$/,
    )
  })

  it('goes down step by step, goes on after a kill, and ends at once by command', async () => {
    const slowly = { rollback: 'progressively', through: [20, 10, 5, 0], every: '5s' }
    bench = await Bench.start({
      guardrails: { slow: { metric: 'p95', above: '1s', for: '2m', then: slowly } },
    })
    await standAt25(bench)
    const labels = { alertname: 'slow', guardrail: 'slow', service: 'api', then: 'rollback' }
    await bench.alert(labels)
    expect(await bench.greenNow()).toBe(20)
    expect(await bench.latch()).toMatchObject({ latched: true, descent: { left: [10, 5, 0] } })
    await until('the second step', async () => (await bench.greenNow()) === 10)
    await bench.killHook()
    await bench.startHook()
    const latch = await bench.latch()
    expect(latch).toMatchObject({ latched: true, trips: 1 })
    await until('the third step, or all of it after a long absence', async () => {
      return (await bench.greenNow()) <= 5
    })
    const { body } = await bench.api('POST', '/v1/rollback', { by: 'ann', reason: 'now' })
    expect(body.weights).toMatchObject({ api: { green: 0 } })
    const after = await bench.latch()
    expect(after?.descent).toBeUndefined()
    expect(after).toMatchObject({ latched: true, trips: 1, ceiling: { api: { green: 0 } } })
  })

  it('holds every rise while a system outside is ill, and says which', async () => {
    const { url } = await opened((_, response) => response.writeHead(503).end())
    bench = await Bench.start({
      external: { redis: { url }, disk: { check: [process.execPath, '-e', '0'] } },
    })
    await bench.move('start', 0)
    const alarms = await until('the alarm', async () => {
      const { body } = await bench.api('GET', '/v1/observation')
      return body.alarms.length > 0 && body.alarms
    })
    expect(alarms).toMatchObject([
      { guardrail: 'external.redis', service: 'redis', value: 'status 503', then: 'hold' },
    ])
    const answer = await bench.api('POST', '/v1/admit', {
      request: bench.request('api@25'),
      lastAttempt: 1,
    })
    expect(answer.status).toBe(409)
    expect(answer.body.error).toMatch(/external\.redis/)
  })

  it('reports at each interval of the clock, with what it recommends', async () => {
    const told: { kind: string; text: string }[] = []
    const pager = await opened(({ body }, response) => {
      told.push(JSON.parse(body))
      response.end()
    })
    bench = await Bench.start(
      {
        report: {
          every: '24h',
          to: ['team'],
          targets: { speed: { metric: 'p95', below: '1s', title: 'Speed' } },
        },
        notify: { team: { webhook: 'env:BENCH_PAGER', only: 'named' } },
      },
      {
        clock: 43_200,
        environment: { BENCH_PAGER: pager.url },
      },
    )
    await bench.toFirstStep()
    const load = bench.load(100)
    const report = await until('a report with a target', () =>
      told.find(({ kind, text }) => kind === 'report' && /1 of 1 targets met/.test(text)),
    )
    await load.stop()
    expect(report.text).toMatch(/api@25 stands since/)
    expect(report.text).toMatch(/recommendation: (proceed|hold), as /)
    expect(new Set(told.map(({ kind }) => kind))).toEqual(new Set(['report']))
  })

  it('refuses a plan whose guardrail check fails before it has traffic', async () => {
    bench = await Bench.start()
    await bench.move('start', 0)
    bench.green.healthy = false
    bench.green.status = 503
    const alarm = await until('the alarm', async () => {
      const { body } = await bench.api('GET', '/v1/observation')
      return body.alarms[0]
    })
    expect(alarm).toMatchObject({ guardrail: 'health', service: 'api', then: 'hold' })
    const answer = await bench.api('POST', '/v1/admit', {
      request: bench.request('api@25'),
      lastAttempt: 1,
    })
    expect(answer.status).toBe(409)
    expect(await bench.latch()).toMatchObject({ latched: false })
  })

  it('proves itself beside a hook that runs, and ends', async () => {
    bench = await Bench.start()
    const before = statSync(bench.layout.hook.plan).mtimeMs
    const check = spawn(process.execPath, ['hooks/daemon.ts', bench.layout.home, '--check'], {
      cwd: ROOT,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    expect(await once(check, 'exit')).toEqual([0, null])
    expect(statSync(bench.layout.hook.plan).mtimeMs).toBe(before)
    expect((await bench.api('GET', '/healthz')).status).toBe(200)
  })

  it('ends quickly when it is told to, with the answers in flight', async () => {
    bench = await Bench.start()
    const from = performance.now()
    await bench.killHook('SIGTERM')
    expect(bench.hook?.exitCode).toBe(0)
    expect(performance.now() - from).toBeLessThan(5_000)
  })
})
