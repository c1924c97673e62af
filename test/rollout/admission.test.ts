import { describe, expect, it } from 'vitest'
import { admit, admitUnchecked } from '../../rollout/admission.ts'
import { canonical } from '../../rollout/hash.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { PlanInput } from '../../rollout/plan.ts'
import { describeRefusals } from '../../rollout/refusal.ts'
import { allBlue, split } from '../../rollout/weights.ts'
import { AWAY, alarm, codes, move, planInput, trip, world } from './world.ts'

const green = (share: number) => ({ api: split(share) })

describe('a rise', () => {
  it('of one position goes through where everything is well', () => {
    expect(move(world('start'), 'api@10')).toMatchObject({
      standsAt: 'start',
      direction: 'rise',
      permitted: green(10),
      refusals: [],
      backupsDue: [],
      change: 'api: blue 100 → 90, green 0 → 10',
    })
  })

  it('may ask for a position by its number', () => {
    expect(move(world('start'), '1')).toMatchObject({ position: 'api@10', permitted: green(10) })
  })

  it('of two positions is refused, and names the next one', () => {
    const decided = move(world('start'), 'api@50')
    expect(decided.permitted).toEqual(green(0))
    expect(decided.refusals).toEqual([
      {
        code: 'two-ahead',
        place: 'sluice:step',
        message:
          'api@50 is 2 positions after start, where the rollout stands; one position at a time',
        next: 'pulumi config set sluice:step api@10',
      },
    ])
  })

  it('to a position that the plan has not is refused with those it has', () => {
    const [refusal] = move(world('start'), 'api@11').refusals
    expect(refusal?.message).toContain(
      'start, api@10, api@50, api@100, promoted, released, retired',
    )
  })

  it.each([
    ['live', 'live weights'],
    ['journal', 'journal'],
    ['latch', 'latch'],
    ['alarms', 'alarms'],
  ] as const)('is refused while %s could not be checked', (part, place) => {
    const w = world('start')
    Object.assign(w.observation, { [part]: AWAY })
    const decided = move(w, 'api@10')
    expect(decided.refusals).toContainEqual(expect.objectContaining({ code: 'unavailable', place }))
    expect(decided.refusals[0]?.message).toContain('connection refused')
    expect(decided.permitted).toEqual(green(0))
  })

  it('is refused while the journal is missing', () => {
    const w = world('api@10')
    w.observation.journal = 'missing' as never
    const decided = move(w, 'api@50')
    expect(codes(decided)).toEqual(['journal-missing'])
    expect(decided.refusals[0]?.next).toBe('sluice doctor --adopt')
  })

  it('is refused where the journal stands at a position the plan has not', () => {
    const w = world('start')
    w.journal.verified.position = 'api@33'
    expect(codes(move(w, 'api@10'))).toEqual(['unknown-position'])
  })

  it('names everything that holds it at once', () => {
    const w = world('api@10')
    w.journal.guardedMs = 60_000
    w.journal.green = {}
    w.journal.backups = []
    Object.assign(w.observation, { live: green(7), alarms: [alarm()], guard: { alive: false } })
    const decided = move(w, 'api@100', { attempt: 3 })
    expect(codes(decided)).toEqual([
      'attempt',
      'two-ahead',
      'drift',
      'guard',
      'alarm',
      'bake',
      'evidence',
      'backup',
    ])
    const text = describeRefusals('api@10 → api@100', decided.change, decided.refusals)
    expect(text).toContain('held by 8 things (weights asked for: api: blue 93 → 0, green 7 → 100)')
    expect(text.match(/next: /g)).toHaveLength(8)
  })

  it('that an update in flight explains goes on', () => {
    const w = world('start')
    w.journal.intent = { position: 'api@10', from: green(0), to: green(10), at: w.observation.at }
    w.observation.live = green(10)
    expect(move(w, 'api@10')).toMatchObject({ refusals: [], permitted: green(10) })
    expect(codes(move(w, 'api@50'))).toEqual(['two-ahead'])
  })
})

describe('the way back', () => {
  it.each(['api@10', 'start'])('to %s is open while everything is broken', (position) => {
    const w = world('api@50')
    w.journal.guardedMs = 0
    w.journal.backups = []
    Object.assign(w.observation, { alarms: [alarm()], guard: { alive: false, reason: 'gone' } })
    const decided = move(w, position, { attempt: 9, planHash: 'another' })
    expect(decided).toMatchObject({ direction: 'fall', refusals: [] })
    expect(decided.permitted).toEqual(decided.asked)
  })

  it.each(['live', 'journal', 'latch', 'alarms'])('is open while %s is away', (part) => {
    const w = world('api@50')
    Object.assign(w.observation, { [part]: AWAY })
    expect(move(w, 'api@10').refusals).toEqual([])
    expect(move(w, 'start').permitted).toEqual(green(0))
  })

  it('is open while the journal is missing, and so is staying', () => {
    const w = world('api@50')
    w.observation.journal = 'missing' as never
    expect(move(w, 'start')).toMatchObject({ refusals: [], permitted: green(0) })
    expect(move(w, 'api@50')).toMatchObject({ refusals: [], direction: 'stay' })
    expect(codes(move(w, 'promoted'))).toContain('journal-missing')
  })

  it('takes a green that another hand raised down to where it was verified', () => {
    const w = world('api@10')
    w.observation.live = green(60)
    expect(move(w, 'api@10')).toMatchObject({ refusals: [], permitted: green(10) })
  })

  it('lets changes of hook and alarms through while the cursor stays', () => {
    const w = world('api@10')
    w.observation.guard = { alive: false }
    expect(move(w, 'api@10')).toMatchObject({ refusals: [], direction: 'stay' })
  })
})

describe('an edited plan', () => {
  const edit = (changes: Partial<PlanInput>) => {
    const { plan, planHash } = parsePlan({ ...planInput(), ...changes })
    return { plan, planHash }
  }
  const newGreen = {
    services: {
      api: {
        blue: { command: ['node', 'v1.ts'], port: 9001 },
        green: { command: ['node', 'v3.ts'], port: 9002 },
      },
    },
  }

  it('and a rise are two updates', () => {
    const decided = move(world('api@10'), 'api@50', edit({ bake: '50m' }))
    expect(codes(decided)).toEqual(['plan-edited'])
    expect(decided.refusals[0]?.next).toContain('sluice:step api@10')
    expect(move(world('api@10'), 'api@10', edit({ bake: '50m' })).refusals).toEqual([])
  })

  it('is no other green because its keys came in another order', () => {
    const w = world('api@10')
    w.journal.plan = JSON.parse(canonical(w.journal.plan))
    expect(move(w, 'api@10', edit({ bake: '50m' })).refusals).toEqual([])
  })

  it('may change positions that lie ahead', () => {
    const { gates: _gates, ...steps } = { gates: 0, steps: [10, 20, 100] }
    const changes = edit({ ...steps, gates: {} })
    expect(move(world('api@10'), 'api@10', changes).refusals).toEqual([])
  })

  it('may not change positions already passed', () => {
    const [refusal] = move(world('api@10'), 'api@5', edit({ steps: [5, 100], gates: {} })).refusals
    expect(refusal).toMatchObject({ code: 'passed-edited', place: 'position api@10' })
  })

  it('may not change green while it has weight, even to stay', () => {
    const [refusal] = move(world('api@10'), 'api@10', edit(newGreen)).refusals
    expect(refusal).toMatchObject({ code: 'passed-edited', place: 'services.api.green' })
    expect(refusal?.next).toContain('pulumi config set sluice:step start')
    expect(move(world('api@10'), 'start', edit(newGreen)).refusals).toEqual([])
    expect(move(world('start'), 'start', edit(newGreen)).refusals).toEqual([])
  })

  it('under a green with weight is refused together with whatever else holds', () => {
    const w = world('api@10')
    w.observation.guard = { alive: false, reason: 'it does not answer' }
    expect(codes(move(w, 'api@100', edit(newGreen)))).toEqual([
      'passed-edited',
      'two-ahead',
      'guard',
    ])
  })

  it('may not change green that is live already but not verified yet', () => {
    const w = world('start')
    w.journal.intent = { position: 'api@10', from: green(0), to: green(10), at: w.observation.at }
    w.observation.live = green(10)
    expect(codes(move(w, 'api@10', edit(newGreen)))).toEqual(['passed-edited'])
  })

  it('may change a green that has no weight beside one that has', () => {
    const web = (file: string) => ({
      blue: { url: 'http://10.0.0.1:80' },
      green: { command: ['node', file], port: 9004 },
      routes: ['/web'],
    })
    const two = (file: string): PlanInput => ({
      ...planInput(),
      services: { ...planInput().services, web: web(file) },
    })
    const w = world('api@10', two('a.ts'))
    expect(move(w, 'api@10', parsePlan(two('b.ts'))).refusals).toEqual([])
  })
})

describe('a latch', () => {
  const tripped = () => {
    const w = world('api@50')
    trip(w)
    return w
  }

  it('holds green at 0 while the cursor stays or falls, and warns', () => {
    for (const position of ['api@50', 'api@10', 'start']) {
      const decided = move(tripped(), position)
      expect(decided).toMatchObject({ refusals: [], permitted: green(0), acknowledges: false })
      expect(decided.warnings[0]).toContain('latched: trip 1, errors: 9% against 5%')
      expect(decided.warnings[0]).toContain('pulumi config set sluice:attempt 2')
    }
  })

  it('refuses a cursor that rises', () => {
    const decided = move(tripped(), 'api@100')
    expect(codes(decided)).toEqual(['latched'])
    expect(decided.permitted).toEqual(green(0))
  })

  it('is not acknowledged by an attempt beyond the next', () => {
    const decided = move(tripped(), 'start', { attempt: 3 })
    expect(decided.acknowledges).toBe(false)
    expect(decided.warnings[0]).toContain('only 2 acknowledges trip 1')
  })

  it('is not acknowledged by an attempt that was raised before it tripped', () => {
    const decided = move(tripped(), 'start', { attempt: 2 }, 'apply', 2)
    expect(decided.acknowledges).toBe(false)
    expect(decided.warnings[0]).toContain('acknowledges nothing unseen')
    expect(move(tripped(), 'start', { attempt: 2 }, 'apply', 1).acknowledges).toBe(true)
  })

  it('is acknowledged by the next attempt, at the landing', () => {
    expect(move(tripped(), 'start', { attempt: 2 })).toMatchObject({
      acknowledges: true,
      refusals: [],
      permitted: green(0),
    })
  })

  it('is acknowledged one position after the landing, once that has baked', () => {
    const w = tripped()
    w.journal.guardedMs = 0
    expect(move(w, 'api@10', { attempt: 2 })).toMatchObject({
      acknowledges: true,
      permitted: green(10),
    })
    const decided = move(tripped(), 'api@50', { attempt: 2 })
    expect(codes(decided)).toEqual(['landing'])
    expect(decided.acknowledges).toBe(false)
  })

  it('that is missing counts as latched', () => {
    const w = world('api@50')
    w.observation.latch = 'missing' as never
    const decided = move(w, 'api@50')
    expect(decided).toMatchObject({ refusals: [], permitted: green(0), direction: 'fall' })
    expect(decided.warnings[0]).toContain('latch missing')
    expect(codes(move(w, 'api@100'))).toEqual(['latched'])
    expect(move(w, 'start', { attempt: 2 }).acknowledges).toBe(true)
  })

  it('that cannot be read refuses a rise', () => {
    const w = world('api@10')
    w.observation.latch = AWAY as never
    expect(codes(move(w, 'api@50'))).toEqual(['unavailable'])
  })
})

describe('the first deployment', () => {
  const empty = () => {
    const w = world('start')
    Object.assign(w.observation, { deployed: false, journal: 'missing', latch: 'missing' })
    return w
  }
  const first = (w: ReturnType<typeof world>, position: string) =>
    admit({ ...w.request, position }, w.observation, 'apply')

  it('stands at start', () => {
    expect(first(empty(), 'start')).toMatchObject({ refusals: [], permitted: green(0) })
    expect(codes(first(empty(), 'api@10'))).toEqual(['first-deployment'])
  })

  it('may be broken off after the hook stands', () => {
    const w = empty()
    w.observation.deployed = true
    expect(first(w, 'start').refusals).toEqual([])
    expect(codes(first(w, 'api@10'))).toEqual(['first-deployment'])
  })

  it('onto a green that has traffic counts as latched', () => {
    const w = empty()
    Object.assign(w.observation, { deployed: true, live: green(10) })
    expect(first(w, 'start')).toMatchObject({ permitted: green(0), direction: 'fall' })
    expect(first(w, 'api@10').permitted).toEqual(green(0))
  })
})

describe('a preview without the platform', () => {
  it('names what it did not check', () => {
    const { request } = world('start')
    const decided = admitUnchecked({ ...request, position: 'api@10' }, allBlue(['api']))
    expect(decided.refusals).toEqual([])
    for (const part of ['bake', 'alarms', 'guard', 'latch', 'gate parity']) {
      expect(decided.warnings[0]).toContain(`${part}: not checked`)
    }
    expect(codes(admitUnchecked({ ...request, position: 'x' }, {}))).toEqual(['unknown-position'])
  })
})
