import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { actionOf } from '../../rollout/action.ts'
import { admit } from '../../rollout/admission.ts'
import { findPosition } from '../../rollout/positions.ts'
import { groupsOf, phasesOf } from '../../rollout/services.ts'
import { greenOf, rising, sameWeights } from '../../rollout/weights.ts'
import { Bench, CAUSE, refusalOf } from './bench.ts'
import { randomPlans } from './random-plan.ts'
import { GUARD_MS, runsOf } from './runs.ts'
import { againstOrder } from './watched.ts'

/** Something that happens to a rollout; `at` picks of what there is. */
interface Act {
  do: (typeof ACTS)[number]
  at: number
}

const ACTS = [
  'bake',
  'judge',
  'advance',
  'advance',
  'advance',
  'go',
  'back',
  'fail-gate',
  'alarm',
  'quiet',
  'guard',
  'trip',
  'trip-slowly',
  'rollback',
  'descend',
  'assert',
  'acknowledge',
  'acknowledge',
  'adopt',
  'investigate',
  'resolve',
  'ill-green',
] as const

const acts: fc.Arbitrary<Act[]> = fc.array(
  fc.record({ do: fc.constantFrom(...ACTS), at: fc.nat(999) }),
  { minLength: 4, maxLength: 24 },
)

const services = (bench: Bench) => Object.keys(bench.plan.services)
const pick = <T>(all: readonly T[], at: number) => all[at % all.length] as T

/** Does one thing, and looks at what it came to. */
async function play(bench: Bench, { do: what, at }: Act): Promise<void> {
  const { operations, positions } = bench
  const service = pick(services(bench), at)
  bench.router.moved = []
  switch (what) {
    case 'bake':
      return bench.bake()
    case 'judge':
      return bench.judge('passed')
    case 'fail-gate':
      return bench.judge('failed')
    case 'advance':
      await bench.bake()
      if (at % 5 > 0) await bench.judge('passed')
      return ask(bench, positions[bench.standing.index + 1]?.name ?? 'retired', at)
    case 'go':
      return ask(bench, pick(positions, at).name, at)
    case 'back':
      return ask(bench, pick(positions.slice(0, bench.standing.index + 1), at).name, at)
    case 'alarm':
      bench.alarms = [
        {
          guardrail: 'errors',
          service,
          value: '9%',
          threshold: '5%',
          since: new Date(bench.now).toISOString(),
          then: pick(['rollback', 'hold', 'notify', 'investigate'] as const, at),
        },
      ]
      return
    case 'quiet':
      bench.alarms = []
      bench.router.ill.clear()
      bench.guard = { alive: true, planHash: bench.planHash }
      return
    case 'guard':
      bench.guard = at % 2 ? { alive: false, reason: 'gone' } : { ...bench.guard, alive: true }
      return
    case 'ill-green':
      bench.router.ill.add(`${service} green`)
      return
    case 'trip':
    case 'trip-slowly': {
      const guardrail = bench.plan.guardrails[what === 'trip' ? 'errors' : 'latency']
      const action = guardrail && actionOf(guardrail)
      if (action?.do !== 'rollback') return
      return trip(bench, { service, scope: action.scope, pace: action.pace })
    }
    case 'rollback':
      return trip(bench, {})
    case 'descend': {
      bench.now += 60_000 * (at % 7)
      await operations.descend(1, at % 3 === 0)
      return
    }
    case 'assert':
      await operations.assert()
      return
    case 'acknowledge': {
      const { latch } = bench.store
      if (!latch?.latched) return
      const landing = findPosition(positions, latch.trip?.landing ?? 'start')?.index ?? 0
      const to = positions[landing + (at % 2)]?.name ?? 'start'
      return ask(bench, to, at, at % 7 === 0 ? latch.trips : latch.trips + 1)
    }
    case 'adopt':
      await operations.adopt(bench.plan, bench.planHash)
      return
    case 'investigate':
      return operations.investigate({
        guardrail: 'errors',
        service,
        value: '9%',
        threshold: '5%',
        position: bench.standing.name,
        openedAt: new Date(bench.now).toISOString(),
      })
    case 'resolve':
      await operations.resolve('errors', 'a person')
  }
}

/** A trip is never refused, is done when it returns, and has its numbers. */
async function trip(bench: Bench, more: object): Promise<void> {
  const before = bench.router.weights
  const released = ['released', 'retired'].includes(bench.standing.kind)
  await bench.operations.trip({ ...CAUSE, ...more })
  const { latch } = bench.store
  if (released) return
  expect(latch?.latched).toBe(true)
  expect(rising(latch?.ceiling ?? {}, bench.router.weights)).toEqual([])
  expect(rising(before, bench.router.weights)).toEqual([])
  const told = bench.store.events.findLast(({ kind }) => kind === 'tripped')
  expect(told?.message).toContain('error rate 12%')
  expect(told?.message).toContain('5%')
}

/** Asks for a position as an engine does; what rises had everything that it needs. */
async function ask(bench: Bench, position: string, at: number, attempt?: number): Promise<void> {
  const request = bench.request(position, attempt)
  const before = bench.router.weights
  const observation = await bench.operations.observe()
  const decided = admit(request, observation, 'apply', bench.last)
  // The same of the same, whoever asks, and whatever it is a copy of.
  if (at % 4 === 0) {
    const copy = structuredClone({ request, observation })
    expect(admit(copy.request, copy.observation, 'apply', bench.last)).toEqual(decided)
  }
  const { standing, journal, store } = bench
  const refused = await refusalOf(bench.update(request, bench.last, at))
  for (const { place, message, next } of refused?.refusals ?? []) {
    expect([place, message, next].join(' ')).not.toMatch(/undefined|NaN|\[object/)
    expect(message.length).toBeGreaterThan(10)
    expect(next).not.toBe('')
  }
  const asked = findPosition(bench.positions, position)
  if (decided.refusals.length > 0) {
    expect(refused).toBeDefined()
    expect(bench.router.weights).toEqual(before)
    const isForward = !asked || !standing || asked.index > standing.index || store.latch?.latched
    // The way back is always open.
    expect(isForward || rising(before, asked.weights).length > 0).toBeTruthy()
    return
  }
  if (rising(before, bench.router.weights).length === 0) return
  expect(bench.guard.alive).toBe(true)
  expect(bench.alarms.every(({ then }) => then === 'notify')).toBe(true)
  expect((journal.investigations ?? []).every(({ closedAt }) => closedAt)).toBe(true)
  if (!asked || asked.index <= standing.index || decided.acknowledges) return
  expect(asked.index).toBe(standing.index + 1)
  expect(journal.guardedMs).toBeGreaterThanOrEqual(standing.bakeMs)
  for (const gate of standing.gates) {
    if (bench.plan.gates[gate]?.confirm !== undefined) continue
    const verdict = journal.verdicts.findLast(
      (one) =>
        one.gate === gate && one.position === standing.name && one.attempt === journal.attempt,
    )
    expect(verdict?.result).toBe('passed')
  }
}

async function playAll(bench: Bench, all: readonly Act[]): Promise<void> {
  await bench.update(bench.request('start'))
  for (const act of all) {
    await play(bench, act)
    const wrong = againstOrder(bench.plan, bench.router.moved)
    if (wrong) throw new Error(`${act.do}: ${wrong}`)
    const { latch } = bench.store
    if (latch?.latched) expect(rising(latch.ceiling, bench.router.weights)).toEqual([])
  }
}

describe('any rollout, whatever happens to it', { timeout: GUARD_MS }, () => {
  it('keeps every rule, comes down in the end, and decides the same of the same', async () => {
    let rises = 0
    let trips = 0
    let descents = 0
    await fc.assert(
      fc.asyncProperty(randomPlans, acts, async (plan, all) => {
        const bench = new Bench(plan)
        await playAll(bench, all)
        rises += bench.store.events.filter(
          ({ kind, details }) =>
            kind === 'weights' && Number(details?.['to']) > Number(details?.['from']),
        ).length
        trips += bench.store.latch?.trips ?? 0
        const { descent } = bench.store.latch ?? {}
        if (!descent) return
        descents += 1
        // A descent ends by itself: as many steps as it has left, each after its time.
        for (const _ of descent.left) {
          bench.now += descent.everyMs
          await bench.operations.descend(1, false)
        }
        expect(bench.store.latch?.descent).toBeUndefined()
        expect(rising(descent.landing, bench.router.weights)).toEqual([])
      }),
      runsOf(1_000, 100_000),
    )
    // Not all so broken that nothing is ever proved of them.
    expect(rises).toBeGreaterThan(100)
    expect(trips).toBeGreaterThan(100)
    expect(descents).toBeGreaterThan(10)
  })

  it('comes to the same end by the same way', async () => {
    await fc.assert(
      fc.asyncProperty(randomPlans, acts, async (plan, all) => {
        const [one, other] = [new Bench(plan), new Bench(plan)]
        await playAll(one, all)
        await playAll(other, all)
        expect(other.router.weights).toEqual(one.router.weights)
        expect(other.store.latch).toEqual(one.store.latch)
        expect(other.store.journal).toEqual(one.store.journal)
      }),
      runsOf(100, 10_000),
    )
  })
})

describe('the positions of any plan', { timeout: GUARD_MS }, () => {
  it('rise group by group to 100, each service after what it needs, with names of their own', () => {
    fc.assert(
      fc.property(randomPlans, ({ plan }) => {
        const { positions } = new Bench({ plan, planHash: '' })
        expect(new Set(positions.map(({ name }) => name)).size).toBe(positions.length)
        for (const [index, { weights, services: moved, kind }] of positions.entries()) {
          for (const { blue, green } of Object.values(weights)) expect(blue + green).toBe(100)
          const before = positions[index - 1]
          if (!before) continue
          expect(rising(weights, before.weights)).toEqual([])
          if (kind !== 'step') expect(sameWeights(weights, before.weights)).toBe(true)
          for (const service of rising(before.weights, weights)) expect(moved).toContain(service)
          // What moves together has one weight at every position.
          for (const [name, { together }] of Object.entries(plan.services)) {
            for (const other of together) {
              expect(greenOf(weights, other)).toBe(greenOf(weights, name))
            }
          }
        }
        const last = positions.at(-1)?.weights ?? {}
        for (const name of Object.keys(plan.services)) expect(greenOf(last, name)).toBe(100)
      }),
      runsOf(500, 100_000),
    )
  })

  it('have what is needed before what needs it, where nothing goes round', () => {
    fc.assert(
      fc.property(randomPlans, ({ plan }) => {
        for (const { services: within } of phasesOf(plan)) {
          const groups = groupsOf(plan, within)
          const at = (name: string) => groups.findIndex((group) => group.includes(name))
          const needs = (group: readonly string[]) =>
            group
              .flatMap((name) => plan.services[name]?.dependsOn ?? [])
              .filter((name) => within.includes(name) && !group.includes(name))
          const reaches = (from: number, to: number, seen = new Set<number>()): boolean =>
            needs(groups[from] ?? []).some((name) => {
              const next = at(name)
              if (next === to) return true
              if (seen.has(next)) return false
              seen.add(next)
              return reaches(next, to, seen)
            })
          for (const [index, group] of groups.entries()) {
            for (const name of needs(group)) {
              const needed = at(name)
              if (!reaches(needed, index)) expect(needed).toBeLessThan(index)
            }
          }
        }
      }),
      runsOf(500, 100_000),
    )
  })
})
