import { expect } from 'vitest'
import type { PlanInput } from '../../../rollout/plan.ts'
import { backedUp, soonTooOld } from './backups.ts'
import type { Bench } from './bench.ts'
import { guarding, named, QUIET, short } from './cuts.ts'
import type { Drill, Drills } from './drill.ts'
import { gateHolds, gateRollsBack, unconfirmedHolds } from './gates.ts'
import { rolledBack } from './seen.ts'

const asked = [{ path: '/api/candidates/', by: ['v1'] }]
const limits = ['plan'] as const
const FUNCTIONS = ['logic', 'data', 'api', 'authentication', 'permissions', 'integrations']

/** Guardrails as they are, and one short step. */
const guarded = (plan: PlanInput, ...names: string[]): PlanInput => ({
  ...short(plan),
  ...guarding(plan, names),
  steps: [50, 100],
})

/**
 * Gates of a step as they are, at one short step; nothing else judges. Its bake takes ten real
 * seconds: answers of three seconds are to be counted in it.
 */
const step = (plan: PlanInput): PlanInput => ({
  ...short(plan),
  bake: '10m',
  gates: named(plan.gates, ['response', 'memory', 'steady', 'confirm']),
  steps: [{ weight: 50, gates: ['confirm'] }, 100],
  guardrails: QUIET,
})

/** The checks before the first step as they are; nothing else judges. */
const start = (plan: PlanInput): PlanInput => ({
  ...short(plan),
  gates: named(plan.gates, plan.start?.gates ?? []),
  start: { bake: '1s', gates: plan.start?.gates },
  steps: [50, 100],
  guardrails: QUIET,
})

/** A green that takes six seconds to start. */
function lateStart(plan: PlanInput): PlanInput {
  const late = structuredClone(start(plan))
  const green = late.services['huntred']?.green
  if (green === undefined) throw new Error('the plan has no huntred')
  green.environment = { ...green.environment, EXAMPLE_START_MS: '6000' }
  return late
}

/** Each by itself: a busy machine alone may be slow for a moment. */
const GUARDRAILS = ['errors', 'latency', 'health', 'sync-lag', 'worse', 'more-errors']

const variants = {
  ...Object.fromEntries(GUARDRAILS.map((name) => [name, (plan: PlanInput) => guarded(plan, name)])),
  unguarded: (plan: PlanInput) => guarded(plan),
  parity: (plan: PlanInput) => guarded(plan, ...FUNCTIONS.map((name) => `lost-${name}`)),
  step,
  start,
  'late start': lateStart,
  backups: (plan: PlanInput) => soonTooOld(guarded(plan)),
}

const green = (faults: Record<string, number>) => (bench: Bench) => bench.fault('huntred', faults)

/** A fault of green under a variant, which takes everything back to start. */
const goesBack = (
  of: string,
  broken: string,
  variant: string,
  faults: Record<string, number>,
  ofBlue?: Record<string, number>,
): Drill => ({
  of: `guardrails.${of}`,
  title: `${broken} takes everything back, and v1 answers everybody`,
  async run(bench) {
    await bench.at('huntred@50', variant)
    if (ofBlue) await bench.fault('huntred', ofBlue, 'blue')
    await bench.fault('huntred', faults)
    await rolledBack(bench, { cause: of, asked, limits: [...limits] })
  },
})

const loses = (group: string): Record<string, number> =>
  group === 'logic' ? { wrong: 1 } : { [`lost-${group}`]: 1 }

const holdsAtStart = (gate: string, broken: string, breaks: (bench: Bench) => unknown) =>
  gateHolds(gate, broken, breaks, 'start', 'start')

const drills: Drill[] = [
  goesBack('errors', 'one answer of five failing', 'errors', { errors: 0.2 }),
  goesBack('latency', 'answers that take 400 ms', 'latency', { slow: 1, slowMs: 400 }),
  goesBack('health', 'a green that says it is ill', 'health', { unhealthy: 1 }),
  goesBack(
    'worse',
    'green at 320 ms where blue takes 120',
    'worse',
    { slow: 1, slowMs: 300 },
    { slow: 1, slowMs: 100 },
  ),
  goesBack(
    'more-errors',
    'an answer of five failing where one of twenty does in blue',
    'more-errors',
    { errors: 0.2 },
    { errors: 0.05 },
  ),
  ...FUNCTIONS.map((group) =>
    goesBack(`lost-${group}`, `a green without ${group}`, 'parity', loses(group)),
  ),
  {
    of: 'guardrails.sync-lag',
    title: 'a write that cannot be carried over for ten seconds holds the next step',
    async run(bench) {
      await bench.at('huntred@50', 'sync-lag')
      const release = await bench.locked('huntred_v2', 'proposals')
      await bench.sql('huntred', "update proposals set title = title || ' again' where id = 12")
      await bench.holds('guardrails.sync-lag', /against 10/)
      expect(await bench.weights()).toEqual({ huntred: 50 })
      await release()
      await bench.holdsNoMore('guardrails.sync-lag')
      const title = 'select title from proposals where id = 12'
      expect(await bench.sql('huntred_v2', title)).toEqual(await bench.sql('huntred', title))
    },
  },
  ...FUNCTIONS.map((group) => holdsAtStart(group, `a green without ${group}`, green(loses(group)))),
  holdsAtStart('pages', 'a green without pages', green({ 'lost-pages': 1 })),
  holdsAtStart('load', 'a green that fails below its load', green({ errors: 0.2, unhealthy: 1 })),
  holdsAtStart('schemas', 'a column that v1 has not', async (bench) => {
    bench.afterwards(() => bench.sql('huntred_v2', 'alter table persons drop column surplus'))
    await bench.sql('huntred_v2', 'alter table persons add column surplus int')
  }),
  holdsAtStart('records', 'a proposal that did not come over', async (bench) => {
    const [row] = await bench.sql(
      'huntred_v2',
      'select to_jsonb(p) as p from proposals p where id = 17',
    )
    const values = `'${JSON.stringify(row?.['p']).replaceAll("'", "''")}'`
    bench.afterwards(() =>
      bench.quietly(
        'huntred_v2',
        `insert into proposals select * from jsonb_populate_record(null::proposals, ${values})`,
      ),
    )
    await bench.quietly('huntred_v2', 'delete from proposals where id = 17')
  }),
  {
    of: 'gates.startup',
    title: 'a green that took six seconds to start fails startup, which holds the first step',
    async run(bench) {
      await bench.into('start')
      await bench.into('late start')
      await bench.holds('gates.startup', /^failed at start: the query gave .* not at most 5/)
      expect(await bench.weights()).toEqual({ huntred: 0 })
      await bench.into('start')
      await bench.holdsNoMore('gates.startup')
    },
  },
  unconfirmedHolds('confirm', 'huntred@50', 'step'),
  gateHolds(
    'memory',
    'a green of more than 400 MB',
    green({ megabytes: 450 }),
    'huntred@50',
    'step',
  ),
  gateRollsBack(
    'response',
    'half of the answers at 3.2 s',
    'huntred@50',
    asked,
    green({ slow: 0.5, slowMs: 3_200 }),
    { limits: [...limits] },
    'step',
  ),
  gateRollsBack(
    'steady',
    'one answer of five failing',
    'huntred@50',
    asked,
    green({ errors: 0.2 }),
    { limits: [...limits] },
    'step',
  ),
  ...(['huntred', 'huntred-v2'] as const).map((name) =>
    backedUp({
      name,
      database: name.replace('-', '_'),
      table: 'persons',
      to: 'huntred@50',
      prepare: 'create table if not exists kept_rows (id int); insert into kept_rows values (7)',
      spoil: 'delete from kept_rows',
      ask: 'select count(*)::int as n from kept_rows',
    }),
  ),
  {
    of: ['limits.plan', 'rollback.plan'],
    title: 'sluice rollback: what green wrote stands in blue, and the limit of the plan is kept',
    async run(bench) {
      await bench.at('huntred@50', 'unguarded')
      const written = await Promise.all(
        [...Array(20).keys()].map(async (n) => {
          const response = await fetch(`${bench.stack.url}/api/candidates/`, {
            method: 'POST',
            headers: { 'x-user-id': `user-${n}`, 'content-type': 'application/json' },
            body: JSON.stringify({
              nombre: `Drilled ${n}`,
              email: `drilled${n}-${Date.now()}@example.org`,
              business_unit: 'Amigro',
            }),
          })
          const { id } = (await response.json()) as { id: number }
          return { id, version: response.headers.get('x-version') }
        }),
      )
      const byGreen = written.filter(({ version }) => version === 'v2').map(({ id }) => id)
      expect(byGreen.length).toBeGreaterThan(0)
      const { code, output } = await bench.sluice('rollback', '--reason', 'a drill')
      expect(output).toMatch(/limit plan 5m: kept/)
      expect(code).toBe(0)
      await rolledBack(bench, { cause: 'rollback', asked, limits: [...limits] })
      await bench.stack.until('blue to have what green wrote', async () => {
        const sql = 'select count(*)::int as n from persons where id = any($1)'
        const [found] = await bench.sql('huntred', sql, [byGreen])
        return found?.['n'] === byGreen.length
      })
    },
  },
]

export const huntred: Drills = {
  plan: 'huntred',
  drills,
  bench: {
    name: 'huntred',
    clock: 60,
    rate: 100,
    variants,
    paths: ['/api/candidates/', '/api/ml/analyze/1/', '/api/proposals/12/', '/dashboard/'],
  },
}
