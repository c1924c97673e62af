import { describe, expect, it } from 'vitest'
import type { Observation } from '../../rollout/observation.ts'
import { split } from '../../rollout/weights.ts'
import { AWAY, alarm, backup, codes, move, NOW, passed, planInput, world } from './world.ts'

describe('bake', () => {
  it('that is not over holds, with both times', () => {
    const w = world('api@10')
    w.journal.guardedMs = 600_000
    expect(move(w, 'api@50').refusals).toEqual([
      {
        code: 'bake',
        place: 'api@10',
        message: 'has baked 10m of 1h under guard',
        next: 'wait 50m, or sluice advance --wait',
      },
    ])
  })

  it('passes faster under an accelerated clock', () => {
    const w = world('api@10')
    w.journal.guardedMs = 600_000
    expect(move(w, 'api@50', { clock: 6 }).refusals).toEqual([])
    expect(move(w, 'api@50', { clock: 5 }).refusals[0]?.next).toContain('wait 2m')
  })
})

describe('evidence', () => {
  it('that is not enough holds: no data is never success', () => {
    const w = world('api@10')
    w.journal.green = { api: { requests: 49, errors: 0 } }
    expect(move(w, 'api@50').refusals[0]).toMatchObject({ code: 'evidence' })
    w.journal.green = { api: { requests: 50, errors: 0 } }
    expect(move(w, 'api@50').refusals).toEqual([])
  })

  it('is none where blue answered for green, however often', () => {
    const w = world('api@10')
    w.journal.green = { api: { requests: 100_000, errors: 0, fallbacks: 100_000 } }
    expect(move(w, 'api@50').refusals).toMatchObject([
      {
        code: 'evidence',
        message: expect.stringMatching(
          /^green of api gave 0 answers of its own, and 100000 by falling back, of the 50/,
        ),
      },
    ])
    w.journal.green = { api: { requests: 100, errors: 0, fallbacks: 51 } }
    expect(codes(move(w, 'api@50'))).toEqual(['evidence'])
    w.journal.green = { api: { requests: 100, errors: 0, fallbacks: 50 } }
    expect(move(w, 'api@50').refusals).toEqual([])
  })
})

describe('a baseline', () => {
  it('is wanted before the first step by a guardrail that is relative to it', () => {
    const latency = { metric: 'p95', above: '2x baseline', then: 'hold' } as const
    const w = world('start', { ...planInput(), guardrails: { ...planInput().guardrails, latency } })
    expect(move(w, 'api@10').refusals).toEqual([])
    w.journal.baselines = {}
    expect(move(w, 'api@10').refusals[0]).toMatchObject({
      code: 'baseline',
      place: 'guardrails.latency',
    })
  })

  it('is not wanted of a service that the guardrail is not about, or that has no blue', () => {
    const { services, guardrails } = planInput()
    const latency = { metric: 'p95', above: '2x baseline', then: 'hold' } as const
    const fresh = {
      blue: 'none' as const,
      green: { url: 'http://127.0.0.1:9003' },
      routes: ['/fresh'],
    }
    const other = {
      blue: { url: 'http://127.0.0.1:9004' },
      green: { url: 'http://127.0.0.1:9005' },
      routes: ['/other'],
    }
    const baseline = (named?: string[]) => {
      const w = world('start', {
        ...planInput(),
        services: { ...services, fresh, other },
        guardrails: { ...guardrails, latency: { ...latency, services: named } },
      })
      return codes(move(w, 'api@10')).filter((code) => code === 'baseline').length
    }
    // The world has a baseline of api alone.
    expect(baseline()).toBe(1)
    expect(baseline(['api', 'other'])).toBe(1)
    expect(baseline(['api'])).toBe(0)
  })
})

describe('an alarm', () => {
  it.each(['rollback', 'hold'] as const)('that would %s holds while it is active', (then) => {
    const w = world('api@10')
    w.observation.alarms = [alarm(then)]
    expect(move(w, 'api@50').refusals[0]).toMatchObject({
      code: 'alarm',
      place: 'guardrails.errors',
      message: 'is active on api since 2026-05-01T11:59:00.000Z: 9% against 5%',
    })
  })

  it('that only notifies does not', () => {
    const w = world('api@10')
    w.observation.alarms = [alarm('notify')]
    expect(move(w, 'api@50').refusals).toEqual([])
  })
})

describe('a guard', () => {
  it('that is gone holds, with the reason', () => {
    const w = world('api@10')
    w.observation.guard = { alive: false, reason: 'no heartbeat for 9s' }
    expect(move(w, 'api@50').refusals.map(({ message }) => message)).toEqual([
      'does not guard: no heartbeat for 9s; no guard, no rise',
    ])
  })

  it.each([undefined, 'another'])('of the plan %s holds', (planHash) => {
    const w = world('api@10')
    w.observation.guard = { alive: true, planHash }
    expect(codes(move(w, 'api@50'))).toEqual(['plan-edited'])
  })
})

describe('drift', () => {
  it('holds, and says how both ways out go', () => {
    const w = world('api@10')
    w.observation.live = { api: { blue: 80, green: 20 } }
    const [refusal] = move(w, 'api@50').refusals
    expect(refusal).toMatchObject({ code: 'drift', place: 'live weights' })
    expect(refusal?.message).toContain('api: blue 90 → 80, green 10 → 20')
    expect(refusal?.next).toContain('pulumi config set sluice:step api@10')
  })

  it('downward is not put back by an update, which would be a rise', () => {
    const w = world('api@10')
    w.observation.live = { api: { blue: 98, green: 2 } }
    expect(move(w, 'api@10').refusals[0]).toMatchObject({
      code: 'drift',
      next: 'sluice doctor --adopt to record what is live',
    })
  })
})

describe('a way back', () => {
  const onItsWay = (position: string) => {
    const w = world('api@50')
    const [from, to] = [{ api: split(50) }, { api: split(10) }]
    w.observation.live = to
    w.journal.intent = { position, from, to, at: NOW }
    return w
  }

  it('that is not verified yet holds every rise, and says how it is finished', () => {
    const [refusal] = move(onItsWay('api@10'), 'api@100').refusals
    expect(refusal).toMatchObject({
      code: 'drift',
      message:
        'are on their way back from api@50 (api: blue 50 → 90, green 50 → 10), which is not verified yet; the way back wins',
      next: 'pulumi config set sluice:step api@10, then pulumi up, which finishes it; then raise the step',
    })
    expect(move(onItsWay('api@50'), 'api@50').refusals[0]?.next).toMatch(/doctor --adopt/)
  })

  it('goes through itself, and further back too', () => {
    expect(move(onItsWay('api@10'), 'api@10').refusals).toEqual([])
    expect(move(onItsWay('api@10'), 'start').refusals).toEqual([])
  })
})

describe('an attempt', () => {
  it('raised in advance holds a rise, and one that fell back too', () => {
    expect(move(world('api@10'), 'api@50', { attempt: 2 }).refusals[0]).toMatchObject({
      code: 'attempt',
      message: expect.stringContaining('raised in advance acknowledges nothing'),
      next: 'pulumi config set sluice:attempt 1',
    })
    expect(codes(move(world('api@10', planInput(), 2), 'api@50', { attempt: 1 }))).toContain(
      'attempt',
    )
  })
})

describe('a gate', () => {
  const confirmed = { confirmed: ['api@50'] }

  it('holds before it is judged, and lets through once it passed', () => {
    const w = world('api@50')
    expect(move(w, 'api@100', confirmed).refusals).toEqual([])
    w.journal.verdicts = []
    expect(move(w, 'api@100', confirmed).refusals[0]).toMatchObject({
      code: 'gate',
      place: 'gates.parity',
      message: expect.stringContaining('is not judged yet at api@50, attempt 1'),
    })
  })

  it.each(['failed', 'inconclusive', 'running'] as const)('that is %s holds', (result) => {
    const w = world('api@50')
    w.journal.verdicts.push({
      ...passed('parity', 'api@50', 1, w.planHash),
      result,
      reason: '97% of 100%',
    })
    expect(move(w, 'api@100', confirmed).refusals[0]?.message).toBe(
      `${result} at api@50: 97% of 100%`,
    )
  })

  it.each([
    ['position', 'api@10'],
    ['attempt', 2],
    ['planHash', 'another'],
  ])('is not passed by a verdict of another %s', (field, value) => {
    const w = world('api@50')
    for (const verdict of w.journal.verdicts) Object.assign(verdict, { [field]: value })
    expect(codes(move(w, 'api@100', confirmed))).toEqual(['gate'])
  })

  it('that asks a person holds until a line of config answers', () => {
    const w = world('api@50')
    expect(move(w, 'api@100', { confirmed: ['api@10', 'x'] }).refusals).toEqual([
      {
        code: 'unconfirmed',
        place: 'gates.approval',
        message: 'nobody has confirmed api@50: No complaints?',
        next: "pulumi config set --path 'sluice:confirmed[2]' api@50",
      },
    ])
  })

  it('that asks a person asks again in the second attempt', () => {
    const w = world('api@50', planInput(), 2)
    expect(move(w, 'api@100', confirmed, 'apply', 2).refusals[0]?.message).toContain('api@50#2')
    expect(move(w, 'api@100', { confirmed: ['api@50#2'] }, 'apply', 2).refusals).toEqual([])
  })
})

describe('the environment before', () => {
  const HOUR = 3_600_000
  const rise = (to: string, previous: Observation['previous'], from = 'api@10') => {
    const w = world(from, { ...planInput(), environments: ['development', 'staging'] })
    w.observation.previous = previous
    return move(w, to, { environment: 'staging', confirmed: ['api@50'] }).refusals
  }
  const stands = (position: string, guardedMs: number, clock?: number) => {
    const { journal } = world('start')
    return { ...journal, verified: { position, at: NOW }, guardedMs, clock }
  }
  const nowhere = `has no journal (none of a rollout ${planInput().name}-development), so it has not been anywhere yet`
  const behind = 'stands at api@10; this one goes only as far as that one has been and stayed'

  it('that the hook is of, and not this one, holds this one', () => {
    const w = world('api@10', { ...planInput(), environments: ['dev', 'staging', 'live'] })
    // It was asked for the environment before staging.
    w.observation.previous = stands('retired', 0)
    w.observation.guard.environment = 'staging'
    const asked = { environment: 'live', confirmed: ['api@50'] }
    expect(move(w, 'api@50', asked).refusals).toMatchObject([
      { place: 'environment staging', message: expect.stringContaining('the hook guards staging') },
    ])
  })

  it.each([
    ['was never asked', undefined, nowhere],
    ['has no journal', 'missing' as const, nowhere],
    ['does not answer', AWAY, 'could not be checked: connection refused'],
    ['is behind, however long it has stayed', stands('api@10', 99 * HOUR), behind],
    ['has only just come', stands('api@50', 0), 'has stayed at api@50 for 0ms of 1h'],
    ['is still baking', stands('api@50', HOUR - 60_000), 'has stayed at api@50 for 59m of 1h'],
    ['bakes faster, and not yet enough', stands('api@50', HOUR / 4, 2), /for 30m of 1h/],
    ['stands where this plan has no position', stands('elsewhere', 9 * HOUR), /at elsewhere;/],
  ])('that %s holds this one', (_, previous, message) => {
    expect(rise('api@50', previous)).toMatchObject([
      {
        code: 'environment',
        place: 'environment development',
        message: typeof message === 'string' ? message : expect.stringMatching(message),
      },
    ])
  })

  it.each([
    ['has stayed for its bake', stands('api@50', HOUR)],
    ['has stayed for its bake at its own clock', stands('api@50', HOUR / 60, 60)],
    ['is further, and has only just come there', stands('api@100', 0)],
  ])('that %s lets this one come as far', (_, previous) => {
    expect(rise('api@50', previous)).toEqual([])
  })

  it('that came as far as this one is asked to come lets it go no further', () => {
    const refusals = rise('api@100', stands('api@50', 99 * HOUR), 'api@50')
    expect(refusals).toMatchObject([
      { code: 'environment', next: 'move development to api@100 first' },
    ])
  })

  it('is not asked by the first one, and never by a way back', () => {
    const w = world('api@50', { ...planInput(), environments: ['development', 'staging'] })
    w.observation.previous = AWAY
    expect(move(w, 'api@10', { environment: 'staging' }).refusals).toEqual([])
    const first = { environment: 'development', confirmed: ['api@50'] }
    expect(move(w, 'api@100', first).refusals).toEqual([])
  })
})

describe('a backup', () => {
  it('that is stale will be taken, says the preview, and holds at apply', () => {
    const w = world('api@10')
    w.journal.backups = [backup({ takenAt: '2026-05-01T11:44:59.000Z' })]
    expect(move(w, 'api@50', {}, 'preview')).toMatchObject({ refusals: [], backupsDue: ['orders'] })
    expect(move(w, 'api@50')).toMatchObject({
      backupsDue: ['orders'],
      refusals: [{ code: 'backup', place: 'backups.orders' }],
    })
  })

  it.each([
    ['unverified', { verifiedAt: undefined }],
    ['of another name', { name: 'users' }],
    ['from the future', { takenAt: '2026-05-01T13:00:00.000Z' }],
    ['of no time', { takenAt: 'yesterday' }],
  ])('that is %s does not count', (_, changes) => {
    const w = world('api@10')
    w.journal.backups = [backup(changes)]
    expect(codes(move(w, 'api@50'))).toEqual(['backup'])
  })

  it('before the first step is not wanted later', () => {
    const orders = { postgres: 'env:ORDERS_URL', before: 'first-step' } as const
    const input = { ...planInput(), backups: { orders } }
    for (const [at, to, due] of [
      ['start', 'api@10', ['backup']],
      ['api@10', 'api@50', []],
    ] as const) {
      const w = world(at, input)
      w.journal.backups = []
      expect(codes(move(w, to))).toEqual(due)
    }
  })

  it('is not wanted by a fall', () => {
    const w = world('api@50')
    w.journal.backups = []
    expect(move(w, 'api@10')).toMatchObject({ refusals: [], backupsDue: [] })
  })
})

describe('promoted, released and retired', () => {
  const order = ['api@100', 'promoted', 'released', 'retired']

  it('come one after another', () => {
    for (const [index, at] of order.entries()) {
      for (const [further, to] of order.entries()) {
        if (further <= index) continue
        expect(codes(move(world(at), to))).toEqual(further === index + 1 ? [] : ['two-ahead'])
      }
    }
  })

  it('wait until green has stayed at 100', () => {
    const w = world('promoted', { ...planInput(), retire: { after: '30d' } })
    w.journal.guardedMs = 86_400_000
    expect(move(w, 'released').refusals[0]?.message).toBe('has baked 1d of 30d under guard')
  })
})
