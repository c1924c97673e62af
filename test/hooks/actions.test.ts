import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Actions } from '../../hooks/actions.ts'
import { Alarms } from '../../hooks/alarms.ts'
import { localSurroundings } from '../../hooks/local-surroundings.ts'
import { WatchedRouter, WatchedStore, World } from '../../hooks/world.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import { Operations } from '../../platforms/operations.ts'
import type { RolloutEvent } from '../../platforms/store.ts'
import type { Alarm } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import { allBlue, greenOf } from '../../rollout/weights.ts'
import { MemoryRouter, MemoryStore } from '../platforms/memory.ts'
import { until } from './bench.ts'

const ERRORS = { metric: 'error-rate', above: '5%', for: '1m', then: 'rollback' } as const

let folder: string
let actions: Actions | undefined
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-actions-'))
})
afterEach(() => {
  actions?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const service = (port: number, route: string) => ({
  blue: { url: `http://127.0.0.1:${port}` },
  green: { url: `http://127.0.0.1:${port + 1}` },
  routes: [route],
})

/** A rollout of two services at a position, and what acts on its alarms. */
async function standing(position: string, guardrails: PlanInput['guardrails'], clock = 1) {
  const { plan, planHash } = parsePlan({
    name: 'pair',
    services: { api: service(9001, '/'), web: service(9003, '/web') },
    steps: [50, 100],
    flags: { 'performance-mode': {} },
    guardrails: { errors: ERRORS, ...guardrails },
  })
  const world = new World({ plan, planHash, clock })
  const store = new WatchedStore(new MemoryStore(), world)
  const memory = new MemoryRouter(allBlue(['api', 'web']), () => world.latch?.latched ?? false)
  const router = new WatchedRouter(memory, world, () => {})
  const events: RolloutEvent[] = []
  const operations = new Operations({
    store,
    router,
    now: () => new Date(),
    alarms: () => alarms.list(),
    guard: () => ({ alive: true, planHash }),
    announce: (event) => events.push(event),
  })
  const acting = new Actions({ world, around: localSurroundings(layoutOf(folder)), operations })
  actions = acting
  const alarms: Alarms = new Alarms(
    (event) => void operations.record(event),
    (alarm, begins) => acting.act(alarm, begins),
  )
  const request = { plan, planHash, position: 'start', attempt: 1, confirmed: [], clock }
  await operations.admit(request)
  await operations.verify(request)
  const { weights } = findPosition(positionsOf(plan), position)!
  await operations.progress((journal) => ({
    ...journal,
    verified: { position, at: new Date().toISOString() },
    weights,
  }))
  await router.write(weights)
  const fire = (guardrail: string, then: Alarm['then'], one = 'api') =>
    alarms.firing({
      guardrail,
      service: one,
      value: '40 s',
      threshold: '30 s',
      since: new Date().toISOString(),
      then,
    })
  const greens = () => ['api', 'web'].map((one) => greenOf(memory.weights, one))
  return { world, operations, alarms, events, fire, greens }
}

/** A command that leaves a line in a file each time it runs. */
function counting(after = '') {
  const script = join(folder, 'scale.mjs')
  const seen = join(folder, 'seen')
  writeFileSync(seen, '')
  writeFileSync(
    script,
    `import { appendFileSync } from 'node:fs'
appendFileSync(${JSON.stringify(seen)}, process.env.SLUICE_SERVICE + ' ' + process.env.SLUICE_POSITION + '\\n')
console.log('scaled to 3')
${after}`,
  )
  return {
    run: [process.execPath, script],
    runs: () => readFileSync(seen, 'utf8').split('\n').filter(Boolean),
  }
}

describe('a guardrail that runs a command', () => {
  const rail = (run: string[], again?: string) => ({
    lag: { query: 'event_lag_seconds', above: 30, for: '1m', then: { run, again } },
  })

  it('runs it once for each time that it fires, and keeps what it said', async () => {
    const command = counting()
    const { fire, alarms, events } = await standing('api@50', rail(command.run))
    await fire('lag', 'run')
    await fire('lag', 'run')
    const event = await until('the run', () => events.find(({ kind }) => kind === 'operation'))
    await fire('lag', 'run')
    expect(command.runs()).toEqual(['api api@50'])
    expect(event).toMatchObject({
      severity: 'info',
      details: { guardrail: 'lag', service: 'api', code: 0, output: 'scaled to 3\n' },
    })
    alarms.resolved({ guardrail: 'lag', service: 'api' })
    await fire('lag', 'run')
    await until('the second run', () => command.runs().length === 2)
  })

  it('runs it again while it fires only where the plan says so, and after that time', async () => {
    const command = counting()
    const { fire } = await standing('api@50', rail(command.run, '60s'), 60)
    const from = performance.now()
    await until('the second run', async () => {
      await fire('lag', 'run')
      return command.runs().length === 2
    })
    expect(performance.now() - from).toBeGreaterThanOrEqual(1_000)
  })

  it('tells of one that fails, and delays no rollback', async () => {
    const command = counting('await new Promise((done) => setTimeout(done, 60_000))')
    const { fire, greens, events } = await standing('api@50', rail(command.run))
    await fire('lag', 'run')
    await until('the run', () => command.runs().length === 1)
    await fire('errors', 'rollback')
    expect(greens()).toEqual([0, 0])
    actions?.stop()
    const event = await until('its end', () => events.find(({ kind }) => kind === 'operation'))
    expect(event).toMatchObject({ severity: 'warning' })
  })
})

describe('a guardrail that sets a flag', () => {
  it('sets it once, and leaves it on', async () => {
    const { fire, alarms, world, events } = await standing('api@50', {
      slow: { metric: 'p95', above: '150ms', for: '5m', then: { flag: 'performance-mode' } },
    })
    await fire('slow', 'flag')
    await fire('slow', 'flag')
    alarms.resolved({ guardrail: 'slow', service: 'api' })
    expect(world.journal?.flags).toEqual({ 'performance-mode': true })
    expect(events.filter(({ kind }) => kind === 'flag')).toHaveLength(1)
  })
})

describe('a guardrail that calls for an investigation', () => {
  it('records what was observed, and holds until somebody has looked', async () => {
    const { fire, alarms, world, operations, greens } = await standing('api@50', {
      integrity: { query: 'rows_that_differ', above: 0, then: 'investigate' },
    })
    await fire('integrity', 'investigate')
    await fire('integrity', 'investigate')
    expect(world.journal?.investigations).toMatchObject([
      { guardrail: 'integrity', service: 'api', value: '40 s', position: 'api@50' },
    ])
    expect(greens()).toEqual([50, 0])
    alarms.resolved({ guardrail: 'integrity', service: 'api' })
    const { plan, planHash } = world.charge
    const request = { plan, planHash, position: 'api@100', attempt: 1, confirmed: [], clock: 1 }
    await expect(operations.admit(request, 1)).rejects.toThrow(/opened an investigation of api/)
    expect(await operations.resolve('integrity', 'ann')).toBe(1)
    await expect(operations.admit(request, 1)).rejects.not.toThrow(/investigation/)
  })
})

describe('a guardrail that rolls back', () => {
  it('takes back its scope at its pace', async () => {
    const guardrails = {
      slow: { metric: 'p95', above: '1s', for: '1m', then: { rollback: 'progressively' } },
    } satisfies PlanInput['guardrails']
    const slow = await standing('web@100', guardrails)
    await slow.fire('slow', 'rollback', 'web')
    expect(slow.greens()).toEqual([100, 75])
    // What it left is still judged.
    expect(slow.world.judges('api')).toBe(true)
    await slow.fire('errors', 'rollback', 'web')
    expect(slow.greens()).toEqual([100, 0])
    expect(slow.world.judges('web')).toBe(false)
    await slow.fire('errors', 'rollback', 'web')
    await slow.fire('errors', 'rollback', 'api')
    expect(slow.greens()).toEqual([0, 0])
    expect(slow.world.latch?.trips).toBe(1)
  })

  it('by a query takes back those of its services that have green', async () => {
    const rail = { query: 'precision', below: 0.9, then: 'rollback' } as const
    const named = await standing('web@50', { precision: { ...rail, services: ['api', 'web'] } })
    await named.fire('precision', 'rollback', 'api')
    expect(named.greens()).toEqual([0, 0])
    const later = await standing('web@50', { precision: { ...rail, services: ['web'] } })
    await later.fire('precision', 'rollback', 'web')
    expect(later.greens()).toEqual([100, 0])
  })

  it('only tells once the rollout is released', async () => {
    const { fire, greens, world } = await standing('released', {
      slow: { metric: 'p95', above: '1s', then: { flag: 'performance-mode' } },
    })
    await fire('errors', 'rollback')
    await fire('slow', 'flag')
    expect(greens()).toEqual([100, 100])
    expect(world.latch?.latched).toBe(false)
    expect(world.journal?.flags).toBeUndefined()
  })
})
