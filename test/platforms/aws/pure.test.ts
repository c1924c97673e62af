import { describe, expect, it } from 'vitest'
import { refusedOnAws } from '../../../components/aws/refusals.ts'
import { warnedOnAws } from '../../../components/aws/warnings.ts'
import { counted } from '../../../hooks/lambda/progress.ts'
import { mapAlarm } from '../../../platforms/aws/alarm-states.ts'
import { alarmsOf } from '../../../platforms/aws/alarms.ts'
import { guardOf } from '../../../platforms/aws/heartbeat.ts'
import { dimensionOf } from '../../../platforms/aws/layout.ts'
import { judgedOnAws } from '../../../platforms/aws/levels.ts'
import { shareOf, toRuleWeights } from '../../../platforms/aws/rule-weights.ts'
import { Refused } from '../../../platforms/platform.ts'
import type { Journal } from '../../../rollout/journal.ts'
import { parsePlan } from '../../../rollout/parse-plan.ts'
import { split } from '../../../rollout/weights.ts'
import { evaluate, type Series } from '../../beds/aws/alarm-math.ts'

const arn = (rest: string) => `arn:aws:elasticloadbalancing:eu-central-1:123456789012:${rest}`
const groups = { blue: arn('targetgroup/blue/1'), green: arn('targetgroup/green/2') }
const listener = arn('listener/app/shop/abc/def')
const base = {
  name: 'shop',
  services: {
    shop: {
      blue: { targetGroupArn: groups.blue },
      green: { targetGroupArn: groups.green },
    },
  },
  steps: [10, 100],
  aws: { listener },
}
const errors = { metric: 'error-rate', above: '90%', then: 'rollback' }
const planOf = ({ guardrails = {}, ...more }: Record<string, object> = {}) =>
  parsePlan({ ...base, ...more, guardrails: { ...guardrails, errors } }).plan

describe('the weights of a listener rule', () => {
  it.each([0, 0.1, 5, 12.5, 99.9, 100])('give %d %% of green, and never all zeros', (green) => {
    const weights = toRuleWeights(split(green), groups)
    expect(shareOf(weights, groups)).toBe(green)
    for (const { weight } of weights) {
      expect(Number.isInteger(weight)).toBe(true)
      expect(weight).toBeGreaterThanOrEqual(0)
      expect(weight).toBeLessThanOrEqual(999)
    }
    expect(weights.some(({ weight }) => weight > 0)).toBe(true)
  })

  it('are whole percents where they can be, so that a preview reads as the plan does', () => {
    expect(toRuleWeights(split(25), groups).map(({ weight }) => weight)).toEqual([75, 25])
  })

  it('refuse a share that is finer than a rule', () => {
    expect(() => toRuleWeights(split(0.05), groups)).toThrow(Refused)
  })

  it.each([
    ['another green, which the rule has not yet', { blue: 'b', green: 'new' }, 25],
    ['another blue, which the rule has not yet', { blue: 'new', green: 'g' }, 25],
    ['no blue any more', { green: 'g' }, 25],
    ['neither of what the rule has', { blue: 'new', green: 'newer' }, 100],
  ])('read with %s', (_what, plan, share) => {
    const weights = [
      { arn: 'b', weight: 75 },
      { arn: 'g', weight: 25 },
    ]
    expect(shareOf(weights, plan)).toBe(share)
  })

  it('read as nothing for green where all are zero', () => {
    const none = [groups.blue, groups.green].map((one) => ({ arn: one, weight: 0 }))
    expect(shareOf(none, groups)).toBe(0)
  })
})

describe('dimensions', () => {
  it('are cut out of the ARNs as CloudWatch names them', () => {
    expect(dimensionOf(groups.green)).toBe('targetgroup/green/2')
    expect(dimensionOf(listener)).toBe('app/shop/abc')
    expect(dimensionOf(arn('loadbalancer/app/shop/abc'))).toBe('app/shop/abc')
  })
})

describe('the alarms of a plan', () => {
  const measured = { shop: { loadBalancer: 'app/shop/abc', blue: 'tb', green: 'tg' } }
  const alarm = (guardrail: object, clock = 1) =>
    alarmsOf(planOf({ guardrails: { one: guardrail } }), 'shop', measured, { clock })[0]
  const at = (value: number): Series => new Map([[1, value]])

  it('count what a crashed target answers, which is no 5xx of its own', () => {
    const spec = alarm({ metric: 'error-rate', above: '5%', then: 'rollback' })
    const expression = spec?.queries[0]?.expression ?? ''
    const crashed = { gr: at(100), ge: new Map(), gc: at(60) }
    expect(evaluate(expression, crashed, [1]).get(1)).toBe(60)
    // Without the connections that came to nothing it would have been a healthy green.
    const blind = expression.replace('+FILL(gc,0)', '')
    expect(evaluate(blind, crashed, [1]).get(1)).toBe(0)
  })

  it('say nothing of a handful of answers, and have no value without any', () => {
    const spec = alarm({ metric: 'error-rate', above: '5%', then: 'rollback' })
    const expression = spec?.queries[0]?.expression ?? ''
    expect(evaluate(expression, { gr: at(3), ge: at(3), gc: new Map() }, [1]).get(1)).toBe(0)
    const none = { gr: new Map(), ge: new Map(), gc: new Map() }
    expect(evaluate(expression, none, [1]).size).toBe(0)
    expect(spec?.treatMissingData).toBe('notBreaching')
  })

  it('never rest on the newest period alone', () => {
    expect(alarm({ metric: 'error-rate', above: '5%', then: 'rollback' })).toMatchObject({
      evaluationPeriods: 2,
      datapointsToAlarm: 1,
    })
    expect(alarm({ metric: 'p95', above: '1s', for: '5m', then: 'rollback' })).toMatchObject({
      evaluationPeriods: 6,
      datapointsToAlarm: 5,
    })
  })

  it('hold green against what blue measured before the first step', () => {
    const spec = alarm({ metric: 'p95', above: '2x baseline', then: 'rollback' })
    const expression = spec?.queries[0]?.expression ?? ''
    const given = (p: number) => ({ gr: at(500), gp: at(p), base: at(0.1) })
    expect(evaluate(expression, given(0.3), [1]).get(1)).toBeGreaterThan(0)
    expect(evaluate(expression, given(0.15), [1]).get(1)).toBeLessThan(0)
    // Nobody knows the baseline yet: that is no breach.
    expect(evaluate(expression, { ...given(0.3), base: new Map() }, [1]).size).toBe(0)
  })

  it('hold green against what blue measures now', () => {
    const spec = alarm({ metric: 'error-rate', above: '200% of blue', then: 'rollback' })
    const expression = spec?.queries[0]?.expression ?? ''
    const given = { gr: at(100), ge: at(10), br: at(100), be: at(2) }
    const none = { gc: new Map(), bc: new Map() }
    expect(evaluate(expression, { ...given, ...none }, [1]).get(1)).toBeCloseTo(0.06)
  })
})

describe('the guard, by its last word', () => {
  const now = new Date('2026-11-21T12:00:00Z')
  const beat = (secondsAgo: number, trouble?: string) => ({
    at: new Date(now.getTime() - secondsAgo * 1_000).toISOString(),
    ...{ planHash: 'abc', clock: 1, plan: '{}' },
    ...(trouble === undefined ? {} : { trouble }),
  })

  it.each([
    ['a minute ago', beat(60), true],
    ['two and a half minutes ago', beat(150), true],
    ['longer ago', beat(151), false],
    ['a little from now', beat(-5), true],
    ['from now, by a clock that is far behind', beat(-151), false],
    ['never', undefined, false],
    ['just now, with its alarms gone', beat(1, 'the alarm is missing'), false],
    ['at a time that makes no sense', { ...beat(1), at: 'soon' }, false],
  ] as const)('heard of %s', (_what, one, alive) => {
    expect(guardOf(one, {}, now).alive).toBe(alive)
  })
})

describe('the time under guard', () => {
  const journal = {
    plan: planOf(),
    verified: { position: 'shop@10', at: '2026-11-21T12:00:00.000Z' },
    weights: { shop: split(10) },
    attempt: 1,
    guardedMs: 0,
    baselines: {},
  } as unknown as Journal
  const since = (from: string | undefined, live = split(10)) => ({
    journal,
    live: { shop: live },
    now: new Date('2026-11-21T12:02:00Z'),
    ...(from === undefined ? {} : { from: new Date(from) }),
    green: {},
    blue: {},
  })

  it('counts from the run before, and not from before the move', () => {
    expect(counted(journal, since('2026-11-21T12:01:00Z')).guardedMs).toBe(60_000)
    expect(counted(journal, since('2026-11-21T11:50:00Z')).guardedMs).toBe(120_000)
  })

  it('counts nothing after an absence, in a move, or at other weights', () => {
    expect(counted(journal, since(undefined)).guardedMs).toBe(0)
    expect(counted(journal, since('2026-11-21T12:01:00Z', split(30))).guardedMs).toBe(0)
    const moving = { ...journal, intent: {} } as unknown as Journal
    expect(counted(moving, since('2026-11-21T12:01:00Z')).guardedMs).toBe(0)
  })

  it('leaves a journal alone that has moved meanwhile', () => {
    const moved = { ...journal, verified: { position: 'shop@100', at: '2026-11-21T12:01:30.000Z' } }
    expect(counted(moved, since('2026-11-21T12:01:00Z'))).toBe(moved)
  })
})

describe('the alarm of', () => {
  const measured = { shop: { loadBalancer: 'app/shop/abc', blue: 'b', green: 'g' } }
  const alarmOf = (one: object, more: Record<string, object> = {}) => {
    const plan = planOf({ guardrails: { one }, ...more })
    const [alarm] = alarmsOf(plan, 'shop', measured, { tick: 60 })
    return alarm as NonNullable<typeof alarm>
  }
  const valueIn = (alarm: ReturnType<typeof alarmOf>, numbers: Record<string, number>) => {
    const series = Object.fromEntries(
      Object.entries(numbers).map(([id, value]) => [id, new Map([[0, value]]) as Series]),
    )
    const missing = alarm.queries.flatMap(({ id, metric }) => (metric ? [[id, new Map()]] : []))
    const all = { ...Object.fromEntries(missing), ...series }
    return evaluate(alarm.queries[0]?.expression ?? '', all, [0]).get(0) as number
  }

  it('a gate stays as it is between two verdicts', () => {
    const gates = { parity: { replay: 'parity.http', at: 'start', services: ['shop'] } }
    const alarm = alarmOf({ gate: 'parity', then: 'rollback' }, { gates })
    expect(alarm).toMatchObject({ name: 'sluice/shop/shop/one', treatMissingData: 'ignore' })
    expect(alarm.queries[0]?.metric).toMatchObject({ namespace: 'Sluice', metricName: 'Gate one' })
  })

  it('a query is one, of the metric that stands for it, and says nothing without green', () => {
    const metrics = { one: { namespace: 'Shop', metric: 'Lag', dimensions: { Part: 'sync' } } }
    const one = { query: 'lag', above: 10, for: '3m', then: 'hold' }
    const alarm = alarmOf(one, { aws: { ...base.aws, metrics } })
    expect(alarm).toMatchObject({ threshold: 10, datapointsToAlarm: 3, evaluationPeriods: 4 })
    expect(alarm.queries[1]?.metric).toMatchObject({
      ...{ namespace: 'Shop', metricName: 'Lag', dimensions: { Part: 'sync' }, stat: 'Maximum' },
    })
    expect(valueIn(alarm, { q: 11, w0: 5 })).toBe(11)
    expect(valueIn(alarm, { q: 11, w0: 0 })).toBe(10)
    expect(valueIn(alarm, { q: 11 })).toBeUndefined()
  })

  it('a throughput asks of green its share, and takes no answers for few', () => {
    const alarm = alarmOf({ metric: 'throughput', below: '60% of baseline', then: 'hold' })
    const isBreached = (numbers: Record<string, number>) => valueIn(alarm, numbers) < 0
    // 10/s before, of which green has a tenth: 60 answers a minute, of which 36 are enough.
    expect(isBreached({ base: 10, w: 10, gr: 37 })).toBe(false)
    expect(isBreached({ base: 10, w: 10, gr: 35 })).toBe(true)
    expect(isBreached({ base: 10, w: 10 })).toBe(true)
    expect(isBreached({ base: 10, w: 0 })).toBe(false)
    expect(alarm.datapointsToAlarm).toBe(2)
  })

  it('an availability is of its targets, while it has traffic', () => {
    const alarm = alarmOf({ metric: 'availability', below: '80%', then: 'hold' })
    expect(alarm).toMatchObject({ threshold: 0.8, comparison: 'LessThanThreshold' })
    expect(valueIn(alarm, { h: 3, u: 1, w: 5 })).toBe(0.75)
    expect(valueIn(alarm, { h: 3, u: 1, w: 0 })).toBe(1)
  })
})

describe('a level of escalation', () => {
  const plan = planOf({
    notify: { team: { webhook: 'env:TEAM' } },
    escalation: [
      { errors: '1%', notify: ['team'] },
      { errors: '10%', notify: ['team'], rollback: true },
    ],
  })

  it('is an alarm of the share of errors, by its bound', () => {
    const alarms = alarmsOf(plan, 'shop', { shop: { loadBalancer: 'app/a/1', green: 'g' } })
    const levels = alarms.filter(({ name }) => name.includes('/escalation.'))
    expect(levels.map(({ name, threshold }) => [name, threshold])).toEqual([
      ['sluice/shop/shop/escalation.1%', 1],
      ['sluice/shop/shop/escalation.10%', 10],
    ])
  })

  it('keeps its own alarm where another one lies close to it', () => {
    const close = planOf({
      notify: { team: { webhook: 'env:TEAM' } },
      escalation: [
        { errors: '12.341%', notify: ['team'], rollback: true },
        { errors: '12.342%', notify: ['team'] },
      ],
    })
    expect(Object.entries(judgedOnAws(close)).map(([name, { then }]) => [name, then])).toEqual([
      ['errors', 'rollback'],
      ['escalation.12.341%', 'rollback'],
      ['escalation.12.342%', 'notify'],
    ])
  })

  it('tells, and rolls back where it says so', () => {
    const then = (bound: string) =>
      mapAlarm(plan, 'shop', { AlarmName: `sluice/shop/shop/escalation.${bound}` })
    expect(then('1%')).toMatchObject({ then: 'notify', threshold: '1%', service: 'shop' })
    expect(then('10%')).toMatchObject({ then: 'rollback', threshold: '10%' })
    expect(then('5%')).toBeUndefined()
  })
})

describe('what the platform aws does not carry', () => {
  it('is nothing of a plan of target groups and alarms', () => {
    const guardrails = { errors: { metric: 'error-rate', above: '5%', then: 'rollback' } }
    expect(refusedOnAws(planOf({ guardrails }))).toEqual([])
  })

  it.each([
    ['a query', { guardrails: { one: { query: 'up', below: 1, then: 'hold' } } }, 'one.query'],
    [
      'an availability of blue',
      { guardrails: { one: { metric: 'availability', below: '90% of blue', then: 'hold' } } },
      'one.below',
    ],
    [
      'a query that a gate asks',
      { gates: { one: { query: 'up', below: 1, at: 'start' } } },
      'aws.metrics.one: {',
    ],
    [
      'a metric that stands for nothing',
      { aws: { ...base.aws, metrics: { one: { namespace: 'Shop', metric: 'Lag' } } } },
      'aws.metrics.one',
    ],
    [
      'requests to both colours, where nobody knows the address',
      { gates: { one: { replay: 'parity.http', at: 'start' } } },
      'aws.address: is missing, and gates.one needs it',
    ],
    [
      'databases, where nobody knows the variables',
      { gates: { one: { compare: { blue: 'env:A', green: 'env:B' }, at: 'start' } } },
      'aws.secret: is missing, and gates.one needs it',
    ],
    [
      'a load that is longer than a function may run',
      {
        aws: { ...base.aws, address: 'https://shop.example.com' },
        gates: { one: { load: { times: 2, for: '20m' }, at: 'start' } },
      },
      'gates.one.load.for: 20m is longer',
    ],
    [
      'a gate that is a command',
      { gates: { one: { run: ['x'], at: 'start' } } },
      'runner: is missing, and gates.one',
    ],
    [
      'a command',
      { guardrails: { one: { metric: 'p95', above: '1s', then: { run: ['x'] } } } },
      'runner: is missing, and guardrails.one',
    ],
    [
      'an operation',
      { operations: { sync: { run: ['x'], until: 'retired' } } },
      'runner: is missing, and operations.sync',
    ],
    [
      'a command that is judged again and again',
      {
        gates: { suite: { run: ['x'], at: 'start' } },
        guardrails: { one: { gate: 'suite', then: 'hold' } },
      },
      'guardrails.one.gate',
    ],
    ['a system outside', { external: { redis: { url: 'http://127.0.0.1:1' } } }, 'external'],
    [
      'what takes an operation back',
      { operations: { sync: { run: ['x'], at: 'promoted', down: ['y'] } } },
      'operations.sync.down',
    ],
    ['a backup of no instance', { backups: { orders: { postgres: 'env:X' } } }, 'databases.orders'],
    [
      'a check of another path than the one that target groups ask',
      { guardrails: { one: { check: '/deep', then: 'rollback' } } },
      'guardrails.one.check: /deep is not the health of shop',
    ],
    [
      'reports by themselves',
      { notify: { team: { webhook: 'env:TEAM' } }, report: { every: '1d', to: ['team'] } },
      'report.every',
    ],
    ['a plan without a listener', { aws: {} }, 'aws.listener'],
    [
      'users that keep their colour',
      {
        services: {
          shop: { ...base.services.shop, affinity: { header: 'x-user-id' } },
        },
      },
      'shop.affinity',
    ],
    [
      'a command as a colour',
      { services: { shop: { ...base.services.shop, green: { command: ['x'], port: 9001 } } } },
      'shop.green',
    ],
  ])('is refused by name: %s', (_what, more, path) => {
    const problems = refusedOnAws(planOf(more))
    expect(problems.filter((one) => one.includes(path))).toHaveLength(1)
  })
})

describe('what the platform aws carries otherwise than its words say', () => {
  const check = (more = {}) => planOf({ guardrails: { one: { check: '/healthz', ...more } } })

  it("is a check, which is the target group's own: it is carried, and said", () => {
    const plan = check({ then: 'rollback', every: '10s', consecutiveFailures: 5 })
    expect(refusedOnAws(plan)).toEqual([])
    expect(warnedOnAws(plan)).toEqual([
      "plan.guardrails.one.check: on aws the health check of green's target group decides, by two minutes in which no target was healthy, and not every and consecutiveFailures; see that the target group of shop asks /healthz",
    ])
  })

  it('is nothing of a plan without one', () => {
    expect(warnedOnAws(planOf())).toEqual([])
  })
})
