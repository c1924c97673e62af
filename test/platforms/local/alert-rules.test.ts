import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import {
  type AlertRule,
  alertFloors,
  alertRules,
  alertRulesText,
  type RuleFile,
} from '../../../platforms/local/alert-rules.ts'
import { layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { prometheusCommand, prometheusConfig } from '../../../platforms/local/prometheus-config.ts'
import { checkQueries } from '../../../platforms/local/query-check.ts'
import { type Plan, type PlanInput, planSchema } from '../../../rollout/plan.ts'
import { findProgram } from '../../../tools/programs.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-rules-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function planWith(guardrails: PlanInput['guardrails']): Plan {
  const blue = { command: ['v1'], port: 9001 }
  const green = { command: ['v2'], port: 9002 }
  return planSchema.parse({
    name: 'shop',
    services: { api: { blue, green }, web: { blue, green } },
    steps: [10, 100],
    guardrails,
  })
}

const guardrails = {
  errors: { metric: 'error-rate', above: '5%', warn: '1%', then: 'rollback' },
  latency: { metric: 'p95', above: '300ms', then: 'hold' },
  slower: { metric: 'p95', above: '2x baseline', then: 'rollback' },
  behind: { metric: 'p95', above: '110% of blue', then: 'rollback' },
  worse: { metric: 'error-rate', above: '2x baseline', then: 'rollback' },
  lasting: { metric: 'error-rate', above: '5%', for: '10s', then: 'rollback' },
  fast: { metric: 'p50', below: '1ms', severity: 'low', then: 'notify' },
  health: { check: '/healthz', then: 'rollback' },
} satisfies PlanInput['guardrails']

/** What the hook serves: how many answers come between two scrapes, and the gauges. */
interface Traffic {
  /** Instead of everything else. */
  series?: { series: string; values: string }[]
  ok?: string
  bad?: string
  blueOk?: string
  /** Latencies, as the answers per scrape at up to 100 ms and at up to 400 ms in all. */
  green?: [at100ms: string, at400ms: string]
  blue?: [at100ms: string, at400ms: string]
  weight?: string
  up?: string
  baselineSeconds?: string
  baselineErrors?: string
}

function seriesOf(traffic: Traffic): { series: string; values: string }[] {
  if (traffic.series) return traffic.series
  const count = (color: string, outcome: string, values: string | undefined) => ({
    series: `sluice_requests_total{service="api",color="${color}",outcome="${outcome}"}`,
    values,
  })
  const bucket = (color: string, le: string, values: string | undefined) => ({
    series: `sluice_request_seconds_bucket{service="api",color="${color}",le="${le}"}`,
    values,
  })
  const buckets = (color: string, values: [string, string] | undefined) => [
    bucket(color, '0.1', values?.[0]),
    bucket(color, '0.4', values?.[1]),
    bucket(color, '+Inf', values?.[1]),
  ]
  const weight = 'sluice_weight{service="api",color="green"}'
  const up = 'sluice_server_up{service="api",color="green"}'
  const seconds = 'sluice_baseline_seconds{service="api",quantile="0.95"}'
  const ratio = 'sluice_baseline_error_ratio{service="api"}'
  return [
    count('green', 'ok', traffic.ok),
    count('green', 'bad', traffic.bad),
    count('blue', 'ok', traffic.blueOk),
    ...buckets('green', traffic.green),
    ...buckets('blue', traffic.blue),
    { series: weight, values: traffic.weight ?? '10x400' },
    { series: up, values: traffic.up ?? '1x400' },
    { series: seconds, values: traffic.baselineSeconds },
    { series: ratio, values: traffic.baselineErrors },
  ].filter((one): one is { series: string; values: string } => one.values !== undefined)
}

/** What fires for api: value and threshold, with the labels checked; undefined where nothing does. */
function fires(alert: string, traffic: Traffic, at = '12s', rules = alertRules(plan, 1)) {
  const rule = ruleOf(alert, rules)
  const told = runPromtool(rules, traffic, at, [alert])
  if (told === undefined) return undefined
  for (const [label, value] of Object.entries(rule.labels)) {
    expect(told).toContain(`${label}="${value}"`)
  }
  return {
    value: /value="([^"]*)"/.exec(told)?.[1],
    threshold: /threshold="([^"]*)"/.exec(told)?.[1],
  }
}

function ruleOf(alert: string, rules = alertRules(plan, 1)): AlertRule {
  return rules.groups[0]?.rules.find((one) => one.alert === alert) as AlertRule
}

/** What fires of the alerts, as promtool prints it; undefined where none does. A wrong rule throws. */
function runPromtool(rules: RuleFile, traffic: Traffic, at: string, alerts: string[]) {
  const [api] = rules.groups
  const asked = api?.rules.filter(({ alert }) => alerts.includes(alert))
  const file = { groups: [{ ...api, rules: asked }] }
  writeFileSync(join(folder, 'rules.yml'), stringify(file, { lineWidth: 0 }))
  const test = {
    rule_files: ['rules.yml'],
    evaluation_interval: '250ms',
    tests: [
      {
        interval: '250ms',
        input_series: seriesOf(traffic),
        alert_rule_test: alerts.map((alertname) => ({
          eval_time: at,
          alertname,
          exp_alerts: [],
        })),
      },
    ],
  }
  writeFileSync(join(folder, 'test.yml'), stringify(test))
  const output = promtool(['test', 'rules', join(folder, 'test.yml')])
  if (output.code === 0) return undefined
  const got = output.text.match(/got:\[([\s\S]*)\]/)?.[1]
  if (!got?.includes('alertname=')) throw new Error(output.text)
  return got
}

function promtool(args: string[]): { code: number; text: string } {
  try {
    return {
      code: 0,
      text: execFileSync(findProgram('promtool'), args, { encoding: 'utf8', stdio: 'pipe' }),
    }
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
    return { code: status, text: `${stdout}${stderr}` }
  }
}

const plan = planWith(guardrails)
/** 10 answers a scrape are 40 a second. */
const busy = '0+10x400'
const none = '0x400'
const nan = Array(100).fill('NaN').join(' ')

describe('the alert rules of a plan', () => {
  it('are right to promtool, for every guardrail with a metric and every service', () => {
    const file = join(folder, 'checked.yml')
    writeFileSync(file, alertRulesText(plan, 1))
    expect(promtool(['check', 'rules', file])).toMatchObject({ code: 0 })
    const { groups } = alertRules(plan, 1)
    expect(groups.map(({ name }) => name)).toEqual(['api', 'web'])
    const names = 'errors errors-warn latency slower behind worse lasting fast server-down'
    for (const { rules } of groups) {
      expect(rules.map(({ alert }) => alert)).toEqual(names.split(' '))
    }
    expect(parse(alertRulesText(plan, 1))).toEqual(alertRules(plan, 1))
  })

  it('fire at an error rate above the threshold, with both numbers', () => {
    const traffic = { ok: '0+8x400', bad: '0+2x400' }
    expect(fires('errors', traffic)).toEqual({ value: 'error rate 20%', threshold: '5%' })
    expect(fires('errors-warn', traffic)?.threshold).toBe('1%')
    expect(ruleOf('errors-warn').labels).toMatchObject({ guardrail: 'errors-warn', then: 'notify' })
  })

  it('fire within the window when every answer is bad', () => {
    expect(fires('errors', { ok: '0+10x20 200x400', bad: '0x20 0+10x400' }, '6s')).toBeDefined()
  })

  it('do not fire at an error rate below, where only the warning does', () => {
    const traffic = { ok: '0+98x400', bad: '0+2x400' }
    expect(fires('errors', traffic)).toBeUndefined()
    expect(fires('errors-warn', traffic)).toEqual({ value: 'error rate 2%', threshold: '1%' })
  })

  it('fire at a latency above the threshold, and not below', () => {
    const slow = { ok: busy, bad: none, green: [none, busy] as [string, string] }
    expect(fires('latency', slow)).toEqual({ value: 'p95 385ms', threshold: '300ms' })
    expect(fires('latency', { ...slow, green: [busy, busy] })).toBeUndefined()
  })

  it('fire below a threshold where the guardrail says below', () => {
    const quick = { ok: busy, bad: none, green: [busy, busy] as [string, string] }
    const rules = alertRules(
      planWith({ fast: { metric: 'p50', below: '100ms', severity: 'low', then: 'notify' } }),
      1,
    )
    expect(fires('fast', quick, '12s', rules)).toEqual({ value: 'p50 50ms', threshold: '100ms' })
    expect(fires('fast', quick)).toBeUndefined()
  })

  it('fire against the baseline, and name its number', () => {
    const slow = { ok: busy, bad: none, green: [none, busy] as [string, string] }
    expect(fires('slower', { ...slow, baselineSeconds: '0.05x400' })).toEqual({
      value: 'p95 385ms',
      threshold: '100ms (2x baseline)',
    })
    expect(fires('slower', { ...slow, baselineSeconds: '0.3x400' })).toBeUndefined()
    const bad = { ok: '0+9x400', bad: '0+1x400' }
    expect(fires('worse', { ...bad, baselineErrors: '0.02x400' })).toEqual({
      value: 'error rate 10%',
      threshold: '4% (2x baseline)',
    })
    expect(fires('worse', { ...bad, baselineErrors: '0.06x400' })).toBeUndefined()
  })

  it('do not fire at one error in a thousand against a baseline without any', () => {
    const traffic = { ok: '0+999x400', bad: '0+1x400', baselineErrors: '0x400' }
    expect(fires('worse', traffic)).toBeUndefined()
  })

  it('fire against blue, and only while blue is measured', () => {
    const slow = { ok: busy, bad: none, green: [none, busy] as [string, string] }
    const both = { ...slow, blueOk: busy, blue: [busy, busy] as [string, string] }
    expect(fires('behind', both)).toEqual({
      value: 'p95 385ms',
      threshold: '104.5ms (110% of blue)',
    })
    expect(fires('behind', { ...both, blue: slow.green })).toBeUndefined()
    expect(fires('behind', slow)).toBeUndefined()
    expect(fires('behind', { ...both, blueOk: '0+1x10 10x400' })).toBeUndefined()
  })

  it('wait for as long as the plan says, and only while it lasts', () => {
    const lasting = { ok: none, bad: busy }
    expect(fires('lasting', lasting, '9s')).toBeUndefined()
    expect(fires('lasting', lasting, '14s')).toBeDefined()
    const brief = { ok: '0+10x400', bad: '0x20 0+10x8 80x400' }
    expect(fires('lasting', brief, '18s')).toBeUndefined()
    const faster = alertRules(plan, 5)
    expect(ruleOf('lasting', faster).for).toBe('2000ms')
    expect(fires('lasting', lasting, '9s', faster)).toBeDefined()
  })

  it('fire when the server is down for a second while green has weight', () => {
    expect(fires('server-down', { up: '1x20 0x400' }, '5s')).toBeUndefined()
    expect(fires('server-down', { up: '1x20 0x400' }, '7s')?.value).toBe('green is down')
    expect(fires('server-down', { up: '0x400', weight: '0x400' })).toBeUndefined()
    expect(fires('server-down', {})).toBeUndefined()
  })
})

describe('no data', () => {
  const bad = { ok: none, bad: busy, baselineErrors: '0.01x400', baselineSeconds: '0.01x400' }
  const slow = { ...bad, green: [none, busy] as [string, string], blueOk: busy }
  const broken: Traffic = { ...slow, blue: [busy, busy] }
  const alerts = ['errors', 'errors-warn', 'latency', 'slower', 'behind', 'worse', 'lasting']

  it.each(alerts)('is the only thing that keeps %s from firing below', (alert) => {
    expect(fires(alert, broken, '20s')).toBeDefined()
  })

  it.each([
    ['no series at all', { weight: '_x400', up: '_x400' }],
    ['counters that stand still', { ...broken, bad: none, green: [none, none] }],
    ['too few answers', { ...broken, bad: '0+0.4x400', green: [none, '0+0.4x400'] }],
    ['green without weight', { ...broken, weight: '0x400' }],
    ['a weight that is not known', { ...broken, weight: '_x400' }],
    ['values that are no numbers', { ...broken, bad: nan, green: [nan, nan] }],
    ['series that ended', { ...broken, bad: '0+10x20 stale', weight: '10x20 stale' }],
  ] as [string, Traffic][])('fires nothing: %s', (_what, traffic) => {
    expect(runPromtool(alertRules(plan, 1), traffic, '20s', alerts)).toBeUndefined()
  })

  it.each(['slower', 'worse'])(
    'fires not %s without a baseline, or with one that is no number',
    (alert) => {
      const without = { ...broken, baselineErrors: undefined, baselineSeconds: undefined }
      expect(fires(alert, without)).toBeUndefined()
      const odd = { ...broken, baselineErrors: nan, baselineSeconds: nan }
      expect(fires(alert, odd)).toBeUndefined()
    },
  )
})

describe('what these tests would find', () => {
  const traffic = { ok: none, bad: busy }

  it('is a rule that can never fire, as one that matches by labels that are gone', () => {
    const rules = alertRules(plan, 1)
    const rule = ruleOf('errors', rules)
    rule.expr = rule.expr.replaceAll('and on () (max(', 'and on (color) (group by (color) (')
    expect(fires('errors', traffic, '12s', rules)).toBeUndefined()
    expect(fires('errors', traffic)).toBeDefined()
  })

  it('is a rule that is no PromQL', () => {
    const rules = alertRules(plan, 1)
    ruleOf('errors', rules).expr += ' and ('
    expect(() => fires('errors', traffic, '12s', rules)).toThrow()
    const file = join(folder, 'broken.yml')
    writeFileSync(file, stringify(rules))
    expect(promtool(['check', 'rules', file]).code).not.toBe(0)
  })
})

describe('the metrics of the whole language', () => {
  const rail = (guardrail: NonNullable<PlanInput['guardrails']>[string]) =>
    alertRules(planWith({ rail: guardrail }), 1)
  /** What green answers a scrape, of which blue gave some in its name. */
  const series = (outcome: string, color: string, values: string) => ({
    series: `sluice_requests_total{service="api",color="${color}",outcome="${outcome}"}`,
    values,
  })
  const weight = (values: string) => ({
    series: 'sluice_weight{service="api",color="green"}',
    values,
  })
  const gives = (rules: RuleFile, given: { series: string; values: string }[], at = '20s') => {
    const told = runPromtool(rules, { series: given }, at, ['rail'])
    if (told === undefined) return undefined
    return [/value="([^"]*)"/.exec(told)?.[1], /threshold="([^"]*)"/.exec(told)?.[1]]
  }

  it('hold throughput against the baseline, as much of it as green has weight', () => {
    const rules = rail({ metric: 'throughput', below: '60% of baseline', then: 'rollback' })
    const baseline = { series: 'sluice_baseline_rate{service="api"}', values: '40x400' }
    // 40 a second before: at 50 %, less than 12 a second is too few; 2 a scrape are 8, 4 are 16.
    const at = (ok: string, w: string) => [series('ok', 'green', ok), weight(w), baseline]
    expect(gives(rules, at('0+2x400', '50x400'))).toEqual([
      'throughput 8/s',
      '12/s (0.6x baseline)',
    ])
    expect(gives(rules, at('0+4x400', '50x400'))).toBeUndefined()
    expect(gives(rules, at('0+2x400', '25x400'))).toBeUndefined()
    // A green that answers nobody any more is what it is for.
    expect(gives(rules, at('0x400', '50x400'))?.[0]).toBe('throughput 0/s')
    expect(gives(rules, at('0+2x400', '50x400').slice(0, 2))).toBeUndefined()
    expect(gives(rules, at('0x400', '0x400'))).toBeUndefined()
  })

  it('hold throughput against what the service does now', () => {
    const rules = rail({ metric: 'throughput', below: '60% of blue', then: 'rollback' })
    const at = (green: string, blue: string) => [
      series('ok', 'green', green),
      series('ok', 'blue', blue),
      weight('50x400'),
    ]
    expect(gives(rules, at('0+2x400', '0+10x400'))?.[0]).toBe('throughput 8/s')
    expect(gives(rules, at('0+2x400', '0+2x400'))).toBeUndefined()
  })

  it('hold availability over a minute: one look that failed is no reason', () => {
    const rules = rail({ metric: 'availability', below: '99%', then: 'rollback' })
    const up = (values: string) => ({
      series: 'sluice_server_up{service="api",color="green"}',
      values,
    })
    expect(gives(rules, [up('1x100 0 1x300'), weight('10x400')], '30s')).toBeUndefined()
    expect(gives(rules, [up('1x100 0x8 1x300'), weight('10x400')], '30s')?.[1]).toBe('99%')
    expect(gives(rules, [up('0x400'), weight('0x400')], '30s')).toBeUndefined()
  })

  it('count what green got from blue as fallbacks, and as nothing else', () => {
    const fallbacks = rail({ metric: 'fallback-rate', above: '0.5%', then: 'hold' })
    const errors = rail({ metric: 'error-rate', above: '5%', then: 'rollback' })
    const given = (bad: string) => [
      series('ok', 'green', '0+10x400'),
      series('bad', 'green', bad),
      series('fallback', 'green', '0+10x400'),
      weight('10x400'),
    ]
    expect(gives(fallbacks, given('0x400'))).toEqual(['fallback rate 50%', '0.5%'])
    expect(gives(errors, given('0x400'))).toBeUndefined()
    // 1 of 11 of its own answers, though 1 of 21 of all.
    expect(gives(errors, given('0+1x400'))?.[0]).toMatch(/^error rate 9\.09/)
    const none = [series('ok', 'green', '0+10x400'), series('fallback', 'green', '0x400')]
    expect(gives(fallbacks, [...none, weight('10x400')])).toBeUndefined()
  })

  it("judge the plan's own query only while one of its services has green", () => {
    const rules = rail({
      query: 'match_precision{color="green"} # of the matches',
      below: 0.9,
      warn: 0.95,
      then: 'rollback',
      services: ['api', 'web'],
    })
    const precision = (values: string, copy = 'a') => ({
      series: `match_precision{color="green",copy="${copy}"}`,
      values,
    })
    expect(gives(rules, [precision('0.85x400'), weight('10x400')])).toEqual(['rail 0.85', '0.9'])
    expect(gives(rules, [precision('0.92x400'), weight('10x400')])).toBeUndefined()
    expect(gives(rules, [precision('0.85x400'), weight('0x400')])).toBeUndefined()
    expect(gives(rules, [weight('10x400')])).toBeUndefined()
    // Of several series the worst counts.
    const two = [precision('0.99x400'), precision('0.85x400', 'b'), weight('10x400')]
    expect(gives(rules, two)?.[0]).toBe('rail 0.85')
    expect(rules.groups.map(({ rules: all }) => all.map(({ alert }) => alert))).toEqual([
      ['rail', 'rail-warn', 'server-down'],
      ['server-down'],
    ])
    expect(ruleOf('rail-warn', rules).labels.then).toBe('notify')
  })

  it('are only for the services that a guardrail names', () => {
    const guardrail = { metric: 'p95', above: '1s', then: 'hold', services: ['web'] } as const
    expect(
      rail({ ...guardrail, services: ['web'] }).groups.map(({ rules }) =>
        rules.map((r) => r.alert),
      ),
    ).toEqual([['server-down'], ['rail', 'server-down']])
  })
})

describe('the queries of a plan', () => {
  it('are asked of the parser of Prometheus, and each wrong one is named by its place', async () => {
    const wrong = planWith({
      precision: { query: 'match_precision{color="green"', below: 0.9, then: 'rollback' },
      lag: { query: 'event_lag_seconds) or (vector(1)', above: 30, then: 'hold' },
      right: { query: 'max(event_lag_seconds)', above: 30, then: 'hold' },
    })
    const error = await checkQueries(wrong, 1).catch((thrown: Error) => thrown.message)
    expect(error).toMatch(/^guardrails\.precision\.query: is no query to Prometheus: .*parse error/)
    expect(error).toMatch(/^guardrails\.lag\.query: is no query to Prometheus: .*parse error/m)
    expect(error).not.toMatch(/guardrails\.right/)
    await checkQueries(planWith({ right: { query: 'max(up)', above: 1, then: 'hold' } }), 1)
  })
})

describe('the accelerated clock', () => {
  const slow = planWith({ errors: { metric: 'error-rate', above: '5%', for: '2m', then: 'hold' } })

  it('shortens windows and for, down to floors that are named', () => {
    expect(ruleOf('errors', alertRules(slow, 1))).toMatchObject({ for: '120000ms' })
    expect(ruleOf('errors', alertRules(slow, 1)).expr).toContain('[30000ms]')
    expect(alertFloors(slow, 1)).toEqual([])
    expect(ruleOf('errors', alertRules(slow, 1_000))).toMatchObject({ for: '1000ms' })
    expect(ruleOf('errors', alertRules(slow, 1_000)).expr).toContain('[4000ms]')
    expect(alertFloors(slow, 1_000)).toEqual([
      'guardrails.errors: for 1s instead of 120ms',
      'guardrails.errors: window 4s instead of 30ms',
    ])
  })
})

describe('the configuration of Prometheus', () => {
  it('is right to promtool, also in a folder with an odd name', () => {
    const layout = layoutOf(join(folder, 'a: [odd] "home"'))
    const file = join(folder, 'prometheus.yml')
    const text = prometheusConfig(layout, portsOf(plan), plan)
    writeFileSync(file, text)
    // Only the syntax: the files that it names are written when it is installed.
    expect(promtool(['check', 'config', '--syntax-only', file])).toMatchObject({ code: 0 })
    expect(parse(text)).toMatchObject({
      global: { scrape_interval: '250ms', scrape_timeout: '200ms', evaluation_interval: '250ms' },
      alerting: {
        alertmanagers: [
          {
            authorization: { credentials_file: layout.hook.alertsToken },
            static_configs: [{ targets: ['127.0.0.1:8381'] }],
          },
        ],
      },
    })
  })

  it('listens on loopback only, resends each second and keeps a bounded history', () => {
    const command = prometheusCommand(layoutOf(folder), portsOf(plan), '/usr/bin/prometheus')
    expect(command[0]).toBe('/usr/bin/prometheus')
    expect(command).toContain('--web.listen-address=127.0.0.1:8382')
    expect(command).toContain('--rules.alert.resend-delay=1s')
    expect(command.join(' ')).toMatch(/retention\.time=.* --storage\.tsdb\.retention\.size=/)
  })
})
