import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parsePlanText } from '../../platforms/plan-file.ts'
import { admit, effectiveLatch } from '../../rollout/admission.ts'
import type { Journal } from '../../rollout/journal.ts'
import { clearLatch, type Latch } from '../../rollout/latch.ts'
import type { Observation } from '../../rollout/observation.ts'
import { PlanError, parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { findPosition, positionsOf } from '../../rollout/positions.ts'
import type { Request } from '../../rollout/request.ts'
import { allBlue, greenOf, rising, type ServiceWeights, split } from '../../rollout/weights.ts'
import { rightPlan } from './plans.ts'
import { AWAY, alarm, backup, NOW, passed } from './world.ts'

const all = process.env['SLUICE_TEST_ALL'] === '1'
const numRuns = all ? 100_000 : 300
/** The short run is the same every time; the long one is another every time, and names its seed. */
const runs = all ? { numRuns } : { numRuns, seed: 1 }
/** Only tells a hang from a long run. */
const GUARD = 60_000 + numRuns * 20

const services = (count: number): PlanInput['services'] =>
  Object.fromEntries(
    ['api', 'web', 'jobs'].slice(0, count).map((name, index) => [
      name,
      {
        blue: { command: ['node', 'v1.ts'], port: 9001 + 2 * index },
        green: { command: ['node', 'v2.ts'], port: 9002 + 2 * index },
        routes: [`/${name}`],
      },
    ]),
  )

const plans = fc
  .record({
    count: fc.integer({ min: 1, max: 3 }),
    steps: fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 4 }),
    gated: fc.boolean(),
    relative: fc.boolean(),
    backedUp: fc.boolean(),
    bake: fc.constantFrom('1s', '1h'),
  })
  .map(({ count, steps, gated, relative, backedUp, bake }) =>
    parsePlan({
      name: 'shop',
      services: services(count),
      steps: [...steps.sort((a, b) => a - b), 100],
      bake,
      guardrails: {
        errors: { metric: 'error-rate', above: relative ? '2x baseline' : '5%', then: 'rollback' },
      },
      gates: gated
        ? { parity: { at: 'every-step', replay: 'a.http' }, ok: { at: 'start', confirm: 'Well?' } }
        : {},
      backups: backedUp ? { orders: { postgres: 'env:ORDERS_URL' } } : {},
    } satisfies PlanInput),
  )

/** Well as a rule, so that what is broken is seen alone too and some rises go through. */
function mostly<T, U>(well: fc.Arbitrary<T>, broken: fc.Arbitrary<U>, weight = 19) {
  return fc.oneof({ arbitrary: well, weight }, { arbitrary: broken, weight: 1 })
}

/** Worlds as they come: mostly well, with anything broken, and some that make no sense at all. */
const worlds = plans.chain(({ plan, planHash }) => {
  const positions = positionsOf(plan)
  const names = Object.keys(plan.services)
  const position = fc.constantFrom(...positions)
  const shares: fc.Arbitrary<ServiceWeights> = fc
    .tuple(...names.map(() => fc.constantFrom(0, 1, 5, 50, 100)))
    .map((greens) => Object.fromEntries(names.map((name, i) => [name, split(greens[i] ?? 0)])))
  const hash = mostly(fc.constant(planHash), fc.constant('another'))
  const few = fc.integer({ min: 1, max: 4 })
  const measured = Object.fromEntries(names.map((name) => [name, { requests: 99, errors: 0 }]))
  return position.chain((stands) => {
    const weights = mostly(fc.constant(stands.weights), shares)
    const journal: fc.Arbitrary<Journal> = fc.record(
      {
        plan: fc.constant(plan),
        planHash: hash,
        verified: fc.record({
          position: mostly(fc.constant(stands.name), fc.constant('nowhere')),
          at: fc.constant(NOW),
        }),
        weights,
        intent: fc.record({
          position: fc.constant(stands.name),
          from: shares,
          to: shares,
          at: fc.constant(NOW),
        }),
        attempt: few,
        guardedMs: mostly(fc.constant(3_600_000), fc.constant(0), 5),
        green: mostly(fc.constant(measured), fc.constant({})),
        baselines: mostly(fc.constant(measured), fc.constant({})),
        verdicts: mostly(fc.constant(1), few, 3).map((attempt) =>
          positions.map(({ name }) => passed('parity', name, attempt, planHash)),
        ),
        backups: mostly(fc.constant([backup()]), fc.constant([]), 5),
      },
      {
        requiredKeys: [
          'plan',
          'planHash',
          'verified',
          'weights',
          'attempt',
          'guardedMs',
          'green',
          'baselines',
          'verdicts',
          'backups',
        ],
      },
    )
    const latch: fc.Arbitrary<Latch> = fc
      .record({
        trips: fc.integer({ min: 0, max: 3 }),
        latched: fc.boolean(),
        ceiling: shares,
        at: position,
      })
      .map(({ trips, latched, ceiling, at }) => {
        const on = latched && trips > 0
        const attempt = on ? trips : trips + 1
        const trip = {
          number: trips,
          attempt,
          position: at.name,
          landing: 'start',
          cause: 'errors',
          value: '9%',
          threshold: '5%',
          at: NOW,
          reason: 'errors',
        }
        return { trips, attempt, latched: on, ceiling: on ? ceiling : {}, ...(on ? { trip } : {}) }
      })
    const orAway = <T>(arbitrary: fc.Arbitrary<T>) => mostly(arbitrary, fc.constant(AWAY))
    const orMissing = <T>(arbitrary: fc.Arbitrary<T>) =>
      mostly(arbitrary, fc.constant('missing' as const))
    const observation: fc.Arbitrary<Observation> = fc.record({
      at: fc.constant(NOW),
      deployed: mostly(fc.constant(true), fc.constant(false)),
      live: orAway(weights),
      journal: orAway(orMissing(journal)),
      latch: orAway(orMissing(mostly(fc.constant(clearLatch()), latch, 3))),
      guard: fc.record({
        alive: mostly(fc.constant(true), fc.constant(false)),
        planHash: hash,
      }),
      alarms: orAway(mostly(fc.constant([]), fc.constantFrom([alarm()], [alarm('notify')]), 5)),
    })
    const near = fc.constantFrom(
      ...positions.filter(({ index }) => Math.abs(index - stands.index) <= 1),
    )
    const request: fc.Arbitrary<Request> = fc.record({
      plan: fc.constant(plan),
      planHash: fc.constant(planHash),
      position: fc.oneof(
        { arbitrary: fc.constant(positions[stands.index + 1]?.name ?? 'retired'), weight: 10 },
        { arbitrary: near.map(({ name }) => name), weight: 5 },
        { arbitrary: position.map(({ name }) => name), weight: 5 },
        { arbitrary: fc.constant('no-such'), weight: 1 },
      ),
      attempt: mostly(fc.constant(1), few, 3),
      confirmed: mostly(fc.constant(['start', 'start#2', 'start#3', 'start#4']), fc.constant([])),
      clock: fc.constantFrom(1, 3_600),
    })
    const lastAttempt = fc.option(few, { nil: undefined })
    const stage = fc.constantFrom('preview', 'apply')
    return fc.record({ observation, request, lastAttempt, stage })
  })
})

type Case = {
  observation: Observation
  request: Request
  lastAttempt?: number
  stage: 'preview' | 'apply'
}

function every(says: (decided: ReturnType<typeof admit>, given: Case) => void) {
  let rises = 0
  fc.assert(
    fc.property(worlds, (given) => {
      const { request, observation, stage, lastAttempt } = given as Case
      const decided = admit(request, observation, stage as Case['stage'], lastAttempt)
      if (rising(decided.from, decided.permitted).length > 0) rises += 1
      says(decided, given as Case)
    }),
    runs,
  )
  return rises
}

const journalOf = ({ observation: { journal } }: Case): Journal | undefined =>
  typeof journal === 'object' && !('unavailable' in journal) ? journal : undefined

function latchOf({ observation, request, lastAttempt }: Case): Latch | undefined {
  const none = allBlue(Object.keys(request.plan.services))
  return effectiveLatch(observation, journalOf({ observation } as Case), lastAttempt, none)
}

describe('admission, of any world', { timeout: GUARD }, () => {
  it('permits weights that sum to 100, and only ever what is live, asked for or below', () => {
    const rises = every(({ from, asked, permitted }) => {
      for (const [service, { blue, green }] of Object.entries(permitted)) {
        expect(blue + green).toBe(100)
        const most = Math.max(greenOf(from, service), greenOf(asked, service))
        expect(green).toBeLessThanOrEqual(most)
      }
    })
    // The worlds are not all so broken that nothing is ever proved of a rise.
    expect(rises).toBeGreaterThan(0)
  })

  it('never lets green rise while latched and not acknowledged', () => {
    every((decided, given) => {
      const latch = latchOf(given)
      const first = given.lastAttempt === undefined && given.observation.journal === 'missing'
      if (!latch?.latched || decided.acknowledges || first) return
      expect(rising(decided.from, decided.permitted)).toEqual([])
    })
  })

  it('acknowledges only by the next attempt, and one that was raised since', () => {
    every(({ acknowledges }, given) => {
      if (!acknowledges) return
      const latch = latchOf(given)
      expect(given.request.attempt).toBe((latch?.trips ?? 0) + 1)
      expect(given.lastAttempt).not.toBe(given.request.attempt)
    })
  })

  it('never lets green rise by more than one position, nor with anything unknown', () => {
    every((decided, given) => {
      if (rising(decided.from, decided.permitted).length === 0) return
      const { observation, request } = given
      const positions = positionsOf(request.plan)
      const latch = latchOf(given)
      const stands = decided.acknowledges
        ? (latch?.trip?.landing ?? 'start')
        : journalOf(given)?.verified.position
      const at = findPosition(positions, stands ?? 'nowhere')
      const to = findPosition(positions, decided.position ?? 'nowhere')
      expect(to?.index).toBeLessThanOrEqual((at?.index ?? -9) + 1)
      expect(observation.guard).toEqual({ alive: true, planHash: request.planHash })
      for (const part of [observation.live, observation.latch, observation.alarms]) {
        expect(part).not.toBe(AWAY)
      }
    })
  })

  it('never refuses a fall or a stay that goes nowhere new, but for an edit under green', () => {
    every((decided, given) => {
      const { refusals, from, asked } = decided
      if (refusals.length === 0 || rising(from, asked).length > 0) return
      const codes = refusals.map(({ code }) => code)
      if (codes.includes('unknown-position') && decided.position === undefined) return
      if (codes.includes('passed-edited')) return
      const positions = positionsOf(given.request.plan)
      const to = findPosition(positions, decided.position ?? '')
      const at = findPosition(positions, journalOf(given)?.verified.position ?? '')
      // What is left goes forward without a rise: on to promoted, or past the trip.
      const latch = latchOf(given)
      const tripped = findPosition(positions, latch?.trip?.position ?? '')
      const reference = latch?.latched && !decided.acknowledges ? (tripped ?? at) : at
      const held = latch?.latched && given.request.attempt === latch.trips + 1
      const beyond = !reference || (to?.index ?? 0) > (held ? 0 : reference.index)
      expect(beyond).toBe(true)
      expect(to?.kind).not.toBe('start')
    })
  })

  it('refuses with a place, what was found and what to type', () => {
    every(({ refusals }) => {
      for (const { place, message, next } of refusals) {
        expect(place).not.toBe('')
        expect(message.length).toBeGreaterThan(10)
        expect(message).not.toMatch(/undefined|NaN|\[object/)
        expect(next).toMatch(/pulumi|sluice|wait|traffic|router|undo/)
        expect(next).not.toMatch(/undefined|NaN|\[object/)
      }
    })
  })

  it('where it refuses, permits no change', () => {
    every(({ refusals, from, permitted }) => {
      if (refusals.length > 0) expect(permitted).toEqual(from)
    })
  })

  it('decides the same of the same, and changes nothing that it looks at', () => {
    every((decided, given) => {
      const { request, observation, stage, lastAttempt } = structuredClone(given)
      expect(admit(request, observation, stage, lastAttempt)).toEqual(decided)
      expect({ request, observation, stage, lastAttempt }).toEqual(given)
    })
  })
})

function isTotal(read: () => unknown): void {
  try {
    read()
  } catch (error) {
    expect(error).toBeInstanceOf(PlanError)
    const { problems } = error as PlanError
    expect(problems.length).toBeGreaterThan(0)
    for (const { path, message } of problems) {
      expect(path).toMatch(/^plan/)
      expect(message).not.toMatch(/Invalid|expected|received|undefined|\[object|cannot be read/)
    }
  }
}

describe('reading a plan', { timeout: GUARD }, () => {
  it('gives a plan or a PlanError, of anything', () => {
    const anything = fc.anything({
      withBigInt: true,
      withNullPrototype: true,
      withDate: true,
      withMap: true,
      withSparseArray: true,
    })
    fc.assert(
      fc.property(anything, (raw) => isTotal(() => parsePlan(raw))),
      runs,
    )
  })

  it('gives a plan or a PlanError, of a plan with anything anywhere', () => {
    const places: string[][] = []
    const walk = (value: unknown, at: string[]) => {
      places.push(at)
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) walk(inner, [...at, key])
    }
    walk(rightPlan(), [])
    const slips = fc.oneof(
      fc.anything(),
      fc.constantFrom(
        0,
        -1,
        1.5,
        101,
        Number.POSITIVE_INFINITY,
        '',
        '5%',
        '0%',
        '1h',
        '0s',
        '/',
        'env:X',
        'a',
        [],
        {},
        null,
        true,
      ),
    )
    fc.assert(
      fc.property(fc.constantFrom(...places.slice(1)), slips, (place, slip) => {
        const plan = rightPlan() as unknown as Record<string, unknown>
        let at = plan
        for (const key of place.slice(0, -1)) at = at[key] as typeof at
        at[place.at(-1) as string] = slip
        isTotal(() => parsePlan(plan))
      }),
      runs,
    )
  })

  it('gives a plan or a PlanError, of any text', () => {
    const pieces = fc.constantFrom(
      '- ',
      '? ',
      ': ',
      '[',
      ']',
      '{',
      '}',
      '\n',
      '  ',
      'a',
      '"',
      "'",
      '|',
      '>',
      '&a ',
      '*a',
      '!x',
      '#',
      '%',
      '---',
      '<<',
      'name: x\n',
      'steps: ',
      '\t',
      '\r',
      '\ufeff',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 40 }).map((all) => all.join('')),
    )
    fc.assert(
      fc.property(text, (yaml) => {
        try {
          parsePlanText(yaml)
        } catch (error) {
          expect(error).toBeInstanceOf(PlanError)
        }
      }),
      runs,
    )
  })

  it('gives a plan whose positions rise, one service at a time', () => {
    fc.assert(
      fc.property(plans, ({ plan }) => {
        const positions = positionsOf(plan)
        for (const [index, { weights }] of positions.entries()) {
          for (const { blue, green } of Object.values(weights)) expect(blue + green).toBe(100)
          const before = positions[index - 1]
          if (!before) continue
          expect(rising(weights, before.weights)).toEqual([])
          expect(rising(before.weights, weights).length).toBeLessThanOrEqual(1)
        }
        expect(new Set(positions.map(({ name }) => name)).size).toBe(positions.length)
      }),
      runs,
    )
  })
})
