import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, test } from 'vitest'
import { FlaggedRouter, Flags } from '../../hooks/flags.ts'
import { WatchedRouter, World } from '../../hooks/world.ts'
import { writeDurably } from '../../platforms/local/durable-file.ts'
import { latchAt } from '../../rollout/latch.ts'
import { planSchema } from '../../rollout/plan.ts'
import { split } from '../../rollout/weights.ts'
import { MemoryRouter } from '../platforms/memory.ts'
import { world as rollout } from '../rollout/world.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

const url = 'http://127.0.0.1:9001'
const plan = planSchema.parse({
  name: 'shop',
  services: { api: { blue: { url }, green: { url } } },
  steps: [10, 100],
  flags: { 'new-api': { follows: ['api'] }, fast: {} },
})

function stage() {
  const folder = mkdtempSync(join(tmpdir(), 'slf-'))
  folders.push(folder)
  const world = new World({ plan, planHash: 'h', clock: 1 })
  const { latch, journal } = rollout('start')
  Object.assign(world, { latch, journal: { ...journal, plan }, weights: { api: split(0) } })
  const registry = new Registry()
  const problems: string[] = []
  const file = join(folder, 'flags.json')
  const flags = new Flags(
    world,
    (text) => writeDurably(file, text),
    registry,
    (problem) => problems.push(problem),
  )
  const watch = { onWrite: () => {} }
  const bare = new MemoryRouter(
    { api: split(0) },
    () => false,
    async () => watch.onWrite(),
  )
  const router = new WatchedRouter(
    new FlaggedRouter(bare, flags, () => world.weights),
    world,
    () => {},
  )
  const percent = () => {
    const { flags } = JSON.parse(readFileSync(file, 'utf8'))
    return flags['new-api'].targeting.if[0]['<'][1]
  }
  return { world, router, bare, watch, flags, registry, problems, file, percent }
}

describe('the flag file', () => {
  test('is all off for what follows before the first step', async () => {
    const { flags, percent } = stage()
    await flags.refresh()
    expect(percent()).toBe(0)
  })

  test('says what is coming before the router does it', async () => {
    const { router, watch, percent } = stage()
    const seen: number[] = []
    watch.onWrite = () => void seen.push(percent())
    await router.write({ api: split(10) })
    expect(seen).toEqual([10, 10])
    expect(percent()).toBe(10)
  })

  test('holds a rise where it cannot be written', async () => {
    const { router, bare, file } = stage()
    mkdirSync(file)
    await expect(router.write({ api: split(10) })).rejects.toThrow('does not rise')
    expect(await bare.read()).toEqual({ api: split(0) })
  })

  test('never holds a fall, and is told of and written with the next look', async () => {
    const { router, bare, flags, file, problems, percent } = stage()
    await router.write({ api: split(10) })
    rmSync(file)
    mkdirSync(file)
    await router.write({ api: split(0) })
    expect(await bare.read()).toEqual({ api: split(0) })
    await flags.refresh()
    expect(problems).toHaveLength(1)
    rmSync(file, { recursive: true })
    await flags.refresh()
    expect(percent()).toBe(0)
  })

  test('goes off with the latch', async () => {
    const { router, world, flags, percent } = stage()
    await router.write({ api: split(10) })
    const trip = {
      position: 'api@10',
      landing: 'start',
      cause: 'errors',
      value: '1',
      threshold: '0',
      at: '2026-05-01T12:00:00.000Z',
      reason: 'r',
    }
    world.latch = latchAt(world.latch!, trip, { api: split(0) })
    await flags.refresh()
    expect(percent()).toBe(0)
  })

  test('keeps what a person or a guardrail has set, and Prometheus hears of it', async () => {
    const { router, world, flags, registry, file } = stage()
    await router.write({ api: split(10) })
    world.journal!.flags = { fast: true, 'new-api': false }
    await flags.refresh()
    expect(JSON.parse(readFileSync(file, 'utf8')).flags.fast.defaultVariant).toBe('on')
    const metrics = await registry.metrics()
    expect(metrics).toContain('sluice_flag_percent{flag="fast"} 100')
    expect(metrics).toContain('sluice_flag_percent{flag="new-api"} 0')
  })

  test('stays as it is while nothing is known of the router', async () => {
    const { world, flags, file } = stage()
    await flags.refresh()
    const before = readFileSync(file, 'utf8')
    world.weights = {}
    world.journal!.flags = { fast: true }
    await flags.refresh()
    expect(readFileSync(file, 'utf8')).toBe(before)
  })
})
