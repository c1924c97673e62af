import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { localSurroundings } from '../../hooks/local-surroundings.ts'
import { OperationsRunner, type RunnerParts } from '../../hooks/operations-runner.ts'
import { World } from '../../hooks/world.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { Operations } from '../../platforms/operations.ts'
import { clearLatch } from '../../rollout/latch.ts'
import { type PlanInput, planSchema } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { greenOf } from '../../rollout/weights.ts'
import { MemoryRouter, MemoryStore } from '../platforms/memory.ts'
import { NOW } from '../rollout/world.ts'

const node = (script: string) => [process.execPath, '-e', script]
const url = 'http://127.0.0.1:9001'
const stages: { runner: OperationsRunner; folder: string }[] = []
afterEach(async () => {
  for (const { runner, folder } of stages.splice(0)) {
    await runner.stop()
    rmSync(folder, { recursive: true })
  }
})

/** A rollout at a position, its store in memory, and a runner over it with real processes. */
function stage(at: string, more: (folder: string) => Partial<PlanInput>, ask?: RunnerParts['ask']) {
  const folder = mkdtempSync(join(tmpdir(), 'slo-'))
  const service = { blue: { url }, green: { url: 'http://127.0.0.1:9002' } }
  const plan = planSchema.parse({
    name: 'shop',
    services: { api: service },
    steps: [10, 100],
    bake: '0s',
    ...more(folder),
  })
  const position = findPosition(positionsOf(plan), at)!
  const store = new MemoryStore()
  store.latch = clearLatch()
  store.journal = {
    plan,
    planHash: 'h',
    verified: { position: at, at: NOW },
    weights: position.weights,
    attempt: 1,
    guardedMs: 1,
    green: {},
    baselines: {},
    verdicts: [],
    backups: [],
  }
  const router = new MemoryRouter(position.weights, () => store.latch?.latched ?? false)
  const operations = new Operations({
    store,
    router,
    now: () => new Date(),
    alarms: () => [],
    guard: () => ({ alive: true, planHash: 'h' }),
    announce: () => {},
  })
  const world = new World({ plan, planHash: 'h', clock: 1 })
  const runner = new OperationsRunner({
    world,
    operations,
    around: localSurroundings(layoutOf(folder), folder),
    ask,
    onError: (error) => {
      throw error
    },
  })
  stages.push({ runner, folder })
  const look = () => {
    Object.assign(world, { journal: structuredClone(store.journal), latch: store.latch })
    runner.consider()
  }
  const result = (name: string) => {
    look()
    return store.journal?.operations?.findLast(({ operation }) => operation === name)
  }
  const ends = (name: string, how: string) =>
    expect.poll(() => result(name)?.result, { timeout: 60_000, interval: 20 }).toBe(how)
  const said = (file: string) => {
    const path = join(folder, file)
    return existsSync(path) ? readFileSync(path, 'utf8') : ''
  }
  const trip = () =>
    operations.trip({ cause: 'errors', value: '12%', threshold: '5%', reason: 'errors' })
  return { plan, store, router, operations, runner, look, result, ends, said, trip, folder }
}

const append = (file: string, text: string) =>
  node(`require('node:fs').appendFileSync('${file}', ${JSON.stringify(text)})`)

describe('the operations of a plan', () => {
  test('run once, in their order, with what they need to know', async () => {
    const { ends, said, look, result } = stage('start', () => ({
      operations: {
        tables: { run: append('order', 'tables '), at: 'before-first-step' },
        indices: {
          run: node(
            "const { SLUICE_ROLLOUT: r, SLUICE_POSITION: p, MODE: m } = process.env; require('node:fs').appendFileSync('order', ['indices', r, p, m].join(' '))",
          ),
          at: 'before-first-step',
          environment: { MODE: 'fast' },
        },
      },
    }))
    await ends('indices', 'done')
    look()
    await new Promise((resolve) => setImmediate(resolve))
    expect(said('order')).toBe('tables indices shop start fast')
    expect(result('indices')?.reason).toContain('exit code 0')
  })

  test('that fail are recorded with their reason, and hold those after them', async () => {
    const { ends, said, result } = stage('start', () => ({
      operations: {
        tables: {
          run: node('console.error("no room left"); process.exitCode = 4'),
          at: 'before-first-step',
        },
        indices: { run: append('order', 'indices'), at: 'before-first-step' },
      },
    }))
    await ends('tables', 'failed')
    expect(result('tables')?.reason).toMatch(/exit code 4: no room left/)
    expect(said('order')).toBe('')
  })

  test('that a crash cut off are run again, and those that are done are not', async () => {
    const { store, ends, said } = stage('api@10', () => ({
      operations: { report: { run: append('order', 'x'), at: 'after-step' } },
    }))
    const at = { operation: 'report', position: 'api@10', attempt: 1, reason: 'r', at: NOW }
    store.journal!.operations = [{ ...at, result: 'running' }]
    await ends('report', 'done')
    expect(said('order')).toBe('x')
  })
})

describe('the strategies', () => {
  const strategy = (name: string, state: object) => ({
    services: {
      api: {
        blue: { url },
        green: { url: 'http://127.0.0.1:9002' },
        strategy: name,
        state,
      } as PlanInput['services'][string],
    },
  })

  test('state-preservation carries what blue holds into green, and back on a rollback', async () => {
    // A store a colour: a file; export writes the one of SLUICE_FROM, import reads into SLUICE_TO.
    const { ends, said, trip, store, result, folder } = stage('start', () =>
      strategy('state-preservation', {
        export: node(
          "process.stdout.write(require('node:fs').readFileSync(process.env.SLUICE_FROM, 'utf8'))",
        ),
        import: node(
          "require('node:fs').writeFileSync(process.env.SLUICE_TO, require('node:fs').readFileSync(0, 'utf8'))",
        ),
      }),
    )
    writeFileSync(join(folder, 'blue'), 'cart of ann: 2')
    await ends('api.export', 'done')
    expect(said('green')).toBe('cart of ann: 2')

    // Green has served since, and holds more.
    writeFileSync(join(folder, 'green'), 'cart of ann: 2, of bob: 1')
    const weights = { api: { blue: 90, green: 10 } }
    Object.assign(store.journal!, { verified: { position: 'api@10', at: NOW }, weights })
    await trip()
    await ends('api.import', 'done')
    expect(said('blue')).toBe('cart of ann: 2, of bob: 1')
    expect(result('api.import')?.position).toBe('api@10')
  })

  test('compensation drains the work in flight first, and a rollback waits for neither', async () => {
    let inFlight = 2
    const { router, ends, result, trip, said } = stage(
      'api@10',
      () =>
        strategy('compensation', {
          inFlight: 'sum(jobs_in_flight)',
          compensate: append('undone', 'refunded'),
        }),
      async () => ({ value: inFlight }),
    )
    await trip()
    expect(greenOf(router.weights, 'api')).toBe(0)
    await ends('api.compensate', 'running')
    expect(said('undone')).toBe('')
    inFlight = 0
    await ends('api.compensate', 'done')
    expect(said('undone')).toBe('refunded')
    expect(result('api.compensate')?.reason).toMatch(/^drained to 0 in /)
  })

  test('distributed-transaction prepares before a step, commits when it stands, aborts on rollback', async () => {
    const commands = Object.fromEntries(
      ['prepare', 'commit', 'abort'].map((word) => [word, append('said', `${word} `)]),
    )
    const { ends, said, store, trip } = stage('start', () =>
      strategy('distributed-transaction', commands),
    )
    await ends('api.prepare', 'done')
    const weights = { api: { blue: 90, green: 10 } }
    Object.assign(store.journal!, { verified: { position: 'api@10', at: NOW }, weights })
    await ends('api.commit', 'done')
    await ends('api.prepare', 'done')
    await trip()
    await ends('api.abort', 'done')
    expect(said('said')).toMatch(/^prepare commit prepare abort $/)
  })
})
