import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Load, startLoad } from '../../examples/load.ts'
import { databaseUrl } from '../../platforms/local/layout.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { serviceStatus, stopService } from '../../platforms/local/supervisor.ts'
import { isUnavailable } from '../../rollout/observation.ts'
import { inOrder } from './in-order.ts'
import { TestStack } from './test-stack.ts'

/** What changes, without the engine's signs of life, which come as often as it takes long. */
const changesIn = (output: string): string[] =>
  output.split('\n').filter((line) => /^\s*[~+-] /.test(line))

describe('a rollout on the real engine, from start to retired', () => {
  let stack: TestStack
  let load: Load
  let desk: Server
  const news: { kind: string; text: string }[] = []

  inOrder()
  beforeAll(async () => {
    desk = createServer(async (request, response) => {
      news.push(JSON.parse(await text(request)))
      response.end()
    }).listen(0, '127.0.0.1')
    await once(desk, 'listening')
    stack = await TestStack.create((plan) => ({
      ...plan,
      notify: { desk: { webhook: 'env:DESK_URL' } },
    }))
    const { port } = desk.address() as AddressInfo
    stack.environment({ DESK_URL: `http://127.0.0.1:${port}` })
  })
  afterAll(async () => {
    await load?.stop()
    await stack?.close()
    desk?.close()
  })

  it('deploys with green at 0 and refuses a step before that', async () => {
    const early = await stack.set({ step: 'huntred@5' }).preview()
    expect(early.code).not.toBe(0)
    expect(early.output).toContain('nothing is deployed yet')
    const deployed = await stack.set({ step: 'start' }).up()
    expect(deployed.output).not.toContain('error:')
    expect(deployed.code).toBe(0)
    expect(await stack.green()).toBe(0)
    load = startLoad({
      url: stack.url,
      rate: 100,
      seconds: 900,
      paths: ['/api/me', '/api/candidates/'],
    })
  })

  it('shows the weights of a step with the old and the new figure, twice the same', async () => {
    stack.set({ step: 'huntred@5' })
    await stack.until('the bake of start', async () => (await stack.preview()).code === 0)
    const first = await stack.preview()
    expect(first.output).toMatch(/blue\s*: 100 => 95/)
    expect(first.output).toMatch(/green\s*: 0\s+=> 5/)
    const second = await stack.preview()
    expect(changesIn(second.output)).toEqual(changesIn(first.output))
    const changed = [...first.output.matchAll(/^\s*[~+-] (sluice:\S+):/gm)].map((match) => match[1])
    expect(new Set(changed)).toEqual(
      new Set([
        'sluice:index:Admission',
        'sluice:index:Backup',
        'sluice:index:Verdict',
        'sluice:index:Verification',
        'sluice:local:Weights',
      ]),
    )
  })

  it.each([5, 10, 25, 50, 100])('goes to %i, one line of config at a time', async (weight) => {
    const result = await stack.step(`huntred@${weight}`)
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
    expect(await stack.green()).toBe(weight)
  })

  it('an unchanged up changes nothing', async () => {
    const again = await stack.preview('--expect-no-changes')
    expect(again.output).not.toContain('error:')
    expect(again.code).toBe(0)
  })

  it('restores the backup into a new database, verified, and never into the live one', async () => {
    const restore = (...args: string[]) => stack.run('sluice', 'restore', 'huntred', ...args)
    const restored = await restore('-s', 'e2e', '--into', 'copy')
    expect(restored.output).toContain('stands verified in the database copy')
    expect(restored.code).toBe(0)
    const live = await personsIn('huntred')
    expect(await personsIn('copy')).toBe(live)
    for (const taken of ['copy', 'huntred']) {
      const refused = await restore('-s', 'e2e', '--into', taken)
      expect(refused.output).toContain(taken)
      expect(refused.output).not.toContain('stands verified')
      expect(refused.code).not.toBe(0)
    }
    expect(await personsIn('huntred')).toBe(live)
  })

  it('refuses to delete blue, or the rollout, before it is retired', async () => {
    const destroyed = await stack.pulumi('destroy', '--yes', '--skip-preview')
    expect(destroyed.code).not.toBe(0)
    expect(destroyed.output).toContain('sluice teardown e2e')
    expect(await stack.green()).toBe(100)
    const retired = await stack.set({ step: 'retired' }).preview()
    expect(retired.code).not.toBe(0)
    expect(retired.output).toContain('positions after')
    stack.set({ step: 'huntred@100' })
  })

  it.each(['promoted', 'released'])(
    'goes to %s, where blue cannot be deleted yet',
    async (position) => {
      const result = await stack.step(position)
      expect(result.output).not.toContain('error:')
      expect(result.code).toBe(0)
      expect(await stack.green()).toBe(100)
      const destroyed = await stack.pulumi(
        ...['destroy', '--yes', '--skip-preview', '--target', '**huntred-blue'],
        '--target-dependents',
      )
      expect(destroyed.code).not.toBe(0)
      expect(destroyed.output).toContain(`stands at ${position}`)
      expect((await serviceStatus(stack.layout, 'huntred-blue')).up).toBe(true)
      expect((await stack.up()).code).toBe(0)
    },
    300_000,
  )

  it('lost no request on the whole way', async () => {
    const stats = load.stats()
    expect(stats.failures).toEqual([])
    expect(stats.versions['v2']?.answered).toBeGreaterThan(0)
  })

  it('released: a guardrail that trips is told of, and nothing else happens', async () => {
    const latch = readFileSync(stack.layout.hook.latch, 'utf8')
    await stack.fault('green', { errors: 1 })
    const alarm = () =>
      news.find(({ kind, text }) => kind === 'alarm' && text.includes('errors on huntred'))
    await stack.until('the news', () => alarm() !== undefined)
    await stack.fault('green', undefined)
    expect(alarm()?.text).toContain('released, so only told')
    await stack.until('the alarm to be over', async () => {
      const { alarms } = await stack.platform.observe()
      return !isUnavailable(alarms) && alarms.length === 0
    })
    expect(await stack.green()).toBe(100)
    expect(readFileSync(stack.layout.hook.latch, 'utf8')).toBe(latch)
    expect(JSON.parse(latch)).toMatchObject({ latched: false, trips: 0 })
  })

  it('released: with the hook dead, green keeps everything, and up brings the hook back', async () => {
    await keepsEverything()
    const repaired = await stack.up()
    expect(repaired.output).not.toContain('error:')
    expect(repaired.code).toBe(0)
    expect((await serviceStatus(stack.layout, 'hook')).up).toBe(true)
    expect(await stack.green()).toBe(100)
  })

  it('goes to retired, and only that deletes blue', async () => {
    const result = await stack.step('retired')
    expect(result.output).not.toContain('error:')
    expect(result.code).toBe(0)
    expect(await stack.green()).toBe(100)
    expect((await serviceStatus(stack.layout, 'huntred-blue')).up).toBe(false)
  })

  it('retired: with the hook dead, green keeps everything', async () => {
    await keepsEverything()
    await load.stop()
  })

  async function personsIn(database: string): Promise<number> {
    const client = new pg.Client({ connectionString: databaseUrl(stack.layout, database) })
    await client.connect()
    try {
      const { rows } = await client.query('select count(*)::int as count from persons')
      return rows[0].count
    } finally {
      await client.end()
    }
  }

  /** With the hook dead, users get as many answers as in three seconds, each by green. */
  async function keepsEverything() {
    await stopService(stack.layout, 'hook')
    const [answered, failed] = [() => load.stats().versions['v2']?.answered ?? 0, failures()]
    const before = answered()
    await stack.until('answers by green', () => answered() > before + 300)
    expect(await new HaproxyRouter(stack.layout).guardState()).toBe('disarmed')
    expect(failures()).toBe(failed)
  }

  function failures() {
    return load.stats().failed
  }
})
