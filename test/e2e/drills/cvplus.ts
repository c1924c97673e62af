import { expect } from 'vitest'
import { startOutside } from '../../standins/outside-stand-in.ts'
import { backedUp } from './backups.ts'
import type { Bench } from './bench.ts'
import { variants } from './cvplus-cuts.ts'
import { strategies } from './cvplus-strategies.ts'
import type { Drill, Drills } from './drill.ts'
import { archived, loseMachine } from './empty-machine.ts'
import { gateHolds, gateRollsBack, unconfirmedHolds } from './gates.ts'
import { descended, rolledBack } from './seen.ts'

const cvs = [{ path: '/cv-analyzer/cvs/1', by: ['functions'] }]
/** A row that no service ever writes again. */
const kept = (table: string, row: string, where: string) => ({
  prepare: `delete from ${table} where ${where}; insert into ${table} ${row}`,
  spoil: `delete from ${table} where ${where}`,
  ask: `select count(*)::int as n from ${table} where ${where}`,
})
const PATHS = [
  '/cv-analyzer/cvs/1',
  '/cv-analyzer/cvs/2',
  '/cv-analyzer/cvs/3',
  '/improvement-orchestrator/jobs/none',
  '/cache-manager/entries/some',
  '/recommendation-generator/for/7',
  '/circuit-breaker/circuits/some',
  '/recommendation-orchestrator/jobs/none',
  '/action-orchestrator/actions/none',
]

const analyzer = (faults: Record<string, number>) => (bench: Bench) =>
  bench.fault('cv-analyzer', faults)

/** A fault of the analyzer, which goes back within what is promised for a service. */
const goesBack = (
  of: string,
  broken: string,
  faults: Record<string, number>,
  variant = of,
): Drill => ({
  of: `guardrails.${of}`,
  title: `${broken} takes the service back, and the functions answer`,
  async run(bench) {
    await bench.at('cv-analyzer@100', variant)
    await bench.fault('cv-analyzer', faults)
    await rolledBack(bench, { cause: of, asked: cvs, limits: ['service'] })
  },
})

const holdsAtStart = (gate: string, broken: string, breaks: (bench: Bench) => unknown) =>
  gateHolds(gate, broken, breaks, 'start', 'start')

/** A row of the packages that the functions do not have. */
const differ = (table: string, values: string) => async (bench: Bench) => {
  bench.afterwards(() => bench.sql('cvplus_packages', `delete from ${table} where ${values}`))
  const [column, value] = values.split(' = ') as [string, string]
  const rest = table === 'user_cvs' ? `, 'nobody', 'nothing'` : `, 'nothing'`
  const columns = table === 'user_cvs' ? `${column}, owner, body` : `${column}, value`
  await bench.sql('cvplus_packages', `insert into ${table} (${columns}) values (${value}${rest})`)
}

/** A baseline counts from the first answer, and users come later: until those seconds are a tenth of it. */
async function knowsThroughput(bench: Bench): Promise<void> {
  const [paths, analyzer] = [PATHS.length, PATHS.filter((path) => path.includes('cv-analyzer'))]
  const asked = (120 * analyzer.length) / paths
  const known = async () =>
    ((await bench.journal()).baselines['cv-analyzer']?.rate ?? 0) > 0.9 * asked
  await bench.stack.until('a baseline of what users ask for', known, 240)
}

const drills: Drill[] = [
  {
    of: ['guardrails.latency-graceful', 'rollback.progressive'],
    title: 'twice the time of the baseline goes back through 75, 50 and 25 to 0',
    async run(bench) {
      await bench.at('cv-analyzer@100', 'latency-graceful')
      await bench.fault('cv-analyzer', { slow: 1, slowMs: 600 })
      await descended(bench, 'cv-analyzer', [75, 50, 25, 0])
      await rolledBack(bench, { cause: 'latency-graceful', asked: cvs })
    },
  },
  goesBack('latency', 'three times the time of the baseline', { slow: 1, slowMs: 900 }),
  goesBack('errors', 'one answer of five failing', { errors: 0.2 }),
  {
    of: 'guardrails.errors.warn',
    title: 'errors between the warning and the rollback warn people, and nothing goes back',
    async run(bench) {
      await bench.at('cv-analyzer@100', 'errors-warn')
      await bench.fault('cv-analyzer', { errors: 0.1 })
      await bench.told(/errors-warn/)
      expect((await bench.weights())['cv-analyzer']).toBe(100)
    },
  },
  {
    of: ['guardrails.throughput', 'guardrails.throughput.warn', 'limits.phase', 'rollback.phase'],
    title: 'a throughput of two thirds warns, and none takes the whole phase back',
    async run(bench) {
      await bench.at('improvement-orchestrator@100', 'throughput')
      const analyzers = PATHS.slice(0, 3)
      await bench.asking([...PATHS.slice(3), ...analyzers.slice(0, 2)])
      await bench.told(/throughput-warn/)
      expect((await bench.weights())['cv-analyzer']).toBe(100)
      await bench.asking(PATHS.slice(3))
      await rolledBack(bench, { cause: 'throughput', asked: cvs, limits: ['phase'] })
    },
  },
  {
    of: 'guardrails.availability',
    title: 'a green that is not there for a moment too long goes back',
    async run(bench) {
      await bench.at('cv-analyzer@100', 'availability')
      await bench.fault('cv-analyzer', { unhealthy: 1 })
      await rolledBack(bench, { cause: 'availability', asked: cvs, limits: ['service'] })
    },
  },
  {
    of: 'guardrails.availability.warn',
    title: 'a green that is away for a moment warns people, and nothing goes back',
    async run(bench) {
      await bench.at('cv-analyzer@100', 'availability-warn')
      await bench.fault('cv-analyzer', { unhealthy: 1 })
      await bench.told(/availability-warn/)
      await bench.heal()
      expect((await bench.latch()).latched).toBe(false)
      expect((await bench.weights())['cv-analyzer']).toBe(100)
    },
  },
  {
    of: ['guardrails.integrity-failure', 'limits.plan', 'limits.traffic', 'rollback.plan'],
    title: 'a cv that only the packages have takes every service back at once',
    async run(bench) {
      await bench.at('improvement-orchestrator@100', 'integrity-failure')
      await differ('user_cvs', 'id = 9001')(bench)
      await rolledBack(bench, {
        cause: 'integrity-failure',
        asked: cvs,
        limits: ['traffic', 'plan'],
      })
      // The traffic goes back, and the data stay as they are.
      const kept = await bench.sql('cvplus_packages', 'select 1 from user_cvs where id = 9001')
      expect(kept).toHaveLength(1)
    },
  },
  ...['performance', 'functionality', 'integration', 'integrity'].map((category) =>
    goesBack(
      `health-${category}`,
      `three failed checks of ${category}`,
      { [category]: 1 },
      'health',
    ),
  ),
  {
    of: ['limits.service', 'rollback.service'],
    title: 'sluice rollback --service takes one back within its 30 seconds, and not the one before',
    async run(bench) {
      await bench.at('improvement-orchestrator@100', 'throughput')
      const words = ['--service', 'improvement-orchestrator', '--reason', 'a drill']
      const { code, output } = await bench.sluice('rollback', ...words)
      expect(output).toMatch(/limit service 30s: kept/)
      expect(code).toBe(0)
      await rolledBack(bench, {
        cause: 'rollback',
        landing: 'cv-analyzer@100',
        asked: [{ path: '/cv-analyzer/cvs/1', by: ['package'] }],
        limits: ['service'],
      })
    },
  },
  holdsAtStart('system-health', 'functions that are ill', (bench) =>
    bench.fault('cv-analyzer', { functionality: 1 }, 'blue'),
  ),
  holdsAtStart('readiness', 'a package that is not well', (bench) =>
    bench.fault('cache-manager', { unhealthy: 1 }),
  ),
  holdsAtStart('collections', 'a collection that is missing', async (bench) => {
    const rename = (from: string, to: string) =>
      bench.sql('cvplus_packages', `alter table ${from} rename to ${to}`)
    bench.afterwards(() => rename('template_lost', 'template_data'))
    await rename('template_data', 'template_lost')
  }),
  holdsAtStart('flag-defaults', 'a flag that another hand put on', (bench) =>
    bench.flagByHand('use-cache-manager'),
  ),
  unconfirmedHolds('go-low', 'start', 'start'),
  unconfirmedHolds('go-medium', 'cv-analyzer@100', 'go'),
  unconfirmedHolds('go-critical', 'cv-analyzer@100', 'go'),
  gateRollsBack(
    'validation',
    'functions and packages that do not work together',
    'cv-analyzer@100',
    cvs,
    (bench) => bench.fault('cv-analyzer', { integration: 1 }, 'blue'),
    { limits: ['service'] },
    'validation',
  ),
  {
    ...gateRollsBack(
      'interface',
      'an answer with a field that the functions have not',
      'cv-analyzer@100',
      cvs,
      analyzer({ wrong: 1 }),
      { limits: ['service'] },
      'every',
    ),
    of: ['gates.interface', 'services.cv-analyzer.strategy'],
  },
  gateRollsBack(
    'integrity',
    'a cv that only the packages have',
    'cv-analyzer@100',
    cvs,
    differ('user_cvs', 'id = 9002'),
    { limits: ['service'] },
    'every',
  ),
  gateHolds(
    'performance',
    'answers that take 600 ms',
    analyzer({ slow: 1, slowMs: 600 }),
    'cv-analyzer@100',
    'every',
  ),
  gateRollsBack(
    'cache-entries',
    'an entry that only the packages have',
    'cache-manager@100',
    [{ path: '/cache-manager/entries/some', by: ['functions'] }],
    differ('cache_entries', "key = 'stray'"),
    { limits: ['service'] },
    'cache-manager',
  ),
  ...strategies,
  ...[
    {
      ...{ name: 'critical', database: 'cvplus', table: 'user_subscriptions' },
      ...kept('user_subscriptions', "(id, owner, plan) values (9001, 'kept', 'pro')", 'id = 9001'),
    },
    {
      ...{ name: 'high', database: 'cvplus', table: 'analytics_events' },
      ...kept('analytics_events', "(id, name) values (9001, 'kept')", 'id = 9001'),
    },
    {
      ...{ name: 'medium', database: 'cvplus', table: 'user_preferences' },
      ...kept('user_preferences', "(id, owner, value) values (9001, 'kept', 'dark')", 'id = 9001'),
    },
    {
      ...{ name: 'service-state', database: 'cvplus_packages', table: 'service_state_backups' },
      ...kept(
        'service_state_backups',
        "(service, state) values ('kept', '{}')",
        "service = 'kept'",
      ),
    },
  ].map((copied) => backedUp({ ...copied, to: 'cv-analyzer@100' })),
  {
    of: ['limits.disaster', 'rollback.disaster'],
    title:
      'an empty machine with the copies alone: pulumi up and sluice restore --disaster answer users within a quarter of an hour',
    async run(bench) {
      // Its step takes every backup.
      await bench.at('cv-analyzer@100', 'availability')
      await bench.at('start', 'availability')
      // The last that was written before the loss, which no dump has.
      await bench.sql('cvplus', "insert into user_cvs (id, owner, body) values (9100, 'x', 'last')")
      bench.afterwards(() => bench.sql('cvplus', 'delete from user_cvs where id = 9100'))
      const cvs = 'select id, owner, body from user_cvs order by id'
      const before = await bench.sql('cvplus', cvs)
      await archived(bench)
      const lostAt = await loseMachine(bench)
      await expect(bench.answering('/cv-analyzer/cvs/1')).rejects.toThrow()
      await bench.up({ attempt: 1, step: 'start', confirmed: ['start'] })
      // The services of the new machine have begun to fill their databases; those are not what was lost.
      expect(await bench.sql('cvplus', cvs)).not.toEqual(before)
      const refused = await bench.sluice('restore', '--disaster')
      expect([refused.code, refused.output]).toEqual([1, expect.stringMatching(/tables already/)])
      const since = ['--since', lostAt.toISOString(), '--overwrite-live']
      const { code, output } = await bench.sluice('restore', '--disaster', ...since)
      const elapsed = Date.now() - lostAt.getTime()
      expect(code, output).toBe(0)
      expect(output).toMatch(
        /users are answered .*\(limit disaster 15m: kept\), since users lost it/,
      )
      expect(elapsed).toBeLessThan(900_000)
      expect(await bench.answering('/cv-analyzer/cvs/1')).toEqual(['functions'])
      expect(await bench.sql('cvplus', cvs)).toEqual(before)
    },
  },
]

export const cvplus: Drills = {
  plan: 'cvplus',
  drills,
  bench: {
    name: 'cvplus',
    clock: 60,
    rate: 120,
    begun: knowsThroughput,
    variants,
    beside: async ({ stack }) => (await startOutside(stack.port + 19)).close,
    paths: PATHS,
  },
}
