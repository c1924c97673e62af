import { describe, expect, it } from 'vitest'
import { planMarkdown, planTable, WIDTH } from '../../cli/plan-table.ts'
import { planSchema } from '../../rollout/plan.ts'
import { positionsOf } from '../../rollout/positions.ts'

const names = ['accounts', 'recruitment', 'onboarding', 'campaign-management', 'partner-management']
const plan = planSchema.parse({
  name: 'builders',
  services: Object.fromEntries(
    names.map((name, index) => [
      name,
      {
        blue: { url: 'http://127.0.0.1:9001' },
        green: { port: 9100 + index, command: ['node', 'v2.ts'] },
        routes: [`/${name}`],
        tier: index === 0 ? 'low' : 'critical',
        ...(index > 0 ? { together: names.slice(1) } : { strategy: 'distributed-transaction' }),
        ...(index === 0 ? { state: { prepare: ['./prepare.sh'], commit: ['./commit.sh'] } } : {}),
      },
    ]),
  ),
  steps: [10, { weight: 100, gates: ['profile', 'contract', 'steady', 'integrity-of-tables'] }],
  settle: '30s',
  bake: '48h',
  guardrails: {
    latency: {
      metric: 'p95',
      above: '2x baseline',
      warn: '1.5x baseline',
      for: '2m',
      then: { rollback: 'progressively', scope: 'phase', every: '5m' },
    },
    lag: { query: 'event_lag_seconds', above: 30, for: '1m', then: { run: ['./scale.sh'] } },
  },
  gates: {
    profile: { confirm: 'Is the profile of a candidate shown within half a second, everywhere?' },
    contract: { run: ['npm', 'run', 'contract'], flags: ['use-new-auth'] },
    steady: { metric: 'error-rate', below: '0.1%', over: 'bake' },
    'integrity-of-tables': { compare: { blue: 'env:A_URL', green: 'env:B_URL' } },
  },
  operations: {
    indices: { run: ['./create-indices.sh'], at: 'before-first-step' },
    sync: { run: ['./sync.sh', '--both-ways'], until: 'retired' },
    cleanup: { run: ['./cleanup.sh'], at: 'retired', down: ['./undo.sh'] },
  },
  backups: { people: { postgres: 'env:A_URL', before: 'first-step', priority: 'high' } },
  flags: { 'use-new-auth': { follows: ['accounts'] }, 'performance-mode': {} },
  limits: { service: '30s' },
})
const positions = positionsOf(plan)

describe('the table of a plan', () => {
  it('has a line a position, with what is run before and after it', () => {
    const lines = planTable(plan, positions)
    const line = (start: string) => lines.find((each) => each.trim().startsWith(start))
    expect(line('1  ')).toMatch(
      /accounts@10 +low +0 → 10 +2d after 30s +- +backup people, indices,$/,
    )
    expect(lines.join('').replaceAll(/\s+/g, ' ')).toContain(
      'indices, accounts.prepare; then accounts.commit',
    )
    expect(line('2  ')).toMatch(/10 → 100 .*profile/)
    expect(line('7  ')).toMatch(/retired .*then cleanup/)
  })

  it('keeps every line within the width, and loses no word of the long ones', () => {
    const lines = planTable(plan, positions)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(WIDTH)
    const long = planTable(plan, positions).join('').replaceAll(/\s/g, '')
    expect(long).toContain('10→1002dafter30sprofile,contract,')
    for (const { name } of positions) {
      const [first = ''] = name.split('+')
      expect(long).toContain(first)
    }
  })

  it('says below it what holds everywhere: guardrails, gates, operations, backups, flags, limits', () => {
    const text = planTable(plan, positions).join('\n')
    expect(text).toMatch(
      /latency +p95 above 2x baseline \(warns at 1.5x baseline\) +2m +rollback of the phase through 75, 50, 25,/,
    )
    expect(text).toMatch(/lag +event_lag_seconds above 30 +1m +run .\/scale.sh/)
    expect(text).toMatch(
      /contract +npm run contract ends with 0, with use-new-auth off and on +hold/,
    )
    expect(text).toMatch(/sync +supervised until retired +.\/sync.sh --both-ways/)
    expect(text).toMatch(/cleanup +rollback --database +.\/undo.sh/)
    expect(text).toMatch(/people +first-step +15m old +high +all/)
    expect(text).toMatch(/use-new-auth +users of green of accounts/)
    expect(text).toMatch(/service +30s/)
  })

  it('marks where the rollout stands and what is asked for', () => {
    const lines = planTable(plan, positions, { standing: 'start', asked: 'accounts@10' })
    expect(lines[1]).toMatch(/^● +0 +start/)
    expect(lines[2]).toMatch(/^→ +1 +accounts@10/)
  })

  it('is given as Markdown too, where a bar in a cell ends no cell', () => {
    const lines = planMarkdown(plan, positions)
    expect(lines[0]).toBe('| # | position | phase | green | bake | gates before leaving | runs |')
    expect(lines[1]).toBe('| --- | --- | --- | --- | --- | --- | --- |')
    expect(lines[2]).toMatch(/^\| 0 \| start \| - \| 0 \|/)
  })
})
