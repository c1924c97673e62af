import { expect } from 'vitest'
import { HaproxyRouter } from '../../../platforms/local/router.ts'
import { stopService } from '../../../platforms/local/supervisor.ts'
import { startIndexServer } from '../../standins/elasticsearch-stand-in.ts'
import { HEXABUILDERS_PATHS } from '../migrations/hexabuilders-paths.ts'
import { backedUp } from './backups.ts'
import type { Bench } from './bench.ts'
import type { Drill, Drills } from './drill.ts'
import { gateHolds, gateRollsBack } from './gates.ts'
import { variants } from './hexabuilders-cuts.ts'
import { rolledBack } from './seen.ts'

const partner = '00000000-0000-4000-8000-000000000007'
const campaign = '00000000-0000-4000-9000-000000000003'
const asked = [{ path: `/partners/${partner}`, by: ['blue'] }]

/** What Prometheus reads of a service past the router. */
async function gauge(bench: Bench, service: string, name: string): Promise<number> {
  const { green } = bench.stack.plan.services[service] as { green: { port: number } }
  const text = await (await fetch(`http://127.0.0.1:${green.port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1])
}

const lose = (bench: Bench) => {
  const keep = 'create table if not exists kept as select * from campaign_performance'
  bench.afterwards(() =>
    bench.quietly(
      'campaign_management',
      'insert into campaign_performance select * from kept on conflict do nothing; drop table kept',
    ),
  )
  const lost = 'delete from campaign_performance where fecha is not null'
  return bench.quietly('campaign_management', `${keep}; ${lost}`)
}

const change = (bench: Bench) => {
  const set = (name: string) =>
    bench.quietly(
      'campaign_management',
      `update campaigns set nombre = '${name}' where id = '${campaign}'`,
    )
  bench.afterwards(() => set('Campaign 3'))
  return set('Changed behind its back')
}

const drills: Drill[] = [
  {
    of: 'guardrails.migration-error-rate',
    title: 'green partners that fail take all four services back to 0, and blue answers',
    async run(bench) {
      await bench.at('hexabuilders@50', 'migration-error-rate')
      await bench.fault('partners', { errors: 0.5 })
      await rolledBack(bench, { cause: 'migration-error-rate', asked })
    },
  },
  {
    of: 'guardrails.cross-service-latency',
    title: 'partners that take 1.3 s hold the next step and tell the team; nothing goes back',
    async run(bench) {
      await bench.at('hexabuilders@50', 'cross-service-latency')
      await bench.fault('partners', { slow: 0.2, slowMs: 1_300 })
      await bench.holds('guardrails.cross-service-latency', /against/)
      await bench.told(/cross-service-latency/)
      expect(Object.values(await bench.weights())).toEqual([50, 50, 50, 50])
      await bench.heal()
      await bench.holdsNoMore('guardrails.cross-service-latency')
    },
  },
  {
    of: 'guardrails.event-processing-lag',
    title: 'events that stand unread for 40 s start one more reader, and nothing is held',
    async run(bench) {
      await bench.at('hexabuilders@50', 'event-processing-lag')
      const before = await gauge(bench, 'onboarding', 'event_consumers')
      await bench.fault('onboarding', { eventMs: 2_000 })
      await bench.sql(
        'hexabuilders',
        `insert into events (type, payload, at)
         select 'PartnerRegistrationCompleted',
           json_build_object('partner_id', gen_random_uuid()), now() - interval '40 seconds'
         from generate_series(1, 10)`,
      )
      await bench.stack.until(
        'one more reader',
        async () => (await gauge(bench, 'onboarding', 'event_consumers')) > before,
        90,
      )
      await bench.stack.until('the history to say so', () =>
        bench.events('operation').some(({ message }) => /event-processing-lag ran/.test(message)),
      )
      expect(Object.values(await bench.weights())).toEqual([50, 50, 50, 50])
      await bench.heal()
      await bench.stack.until(
        'the readers to catch up',
        async () => (await gauge(bench, 'onboarding', 'event_lag_seconds')) < 30,
      )
    },
  },
  {
    of: 'guardrails.data-inconsistency',
    title: 'a row changed in the new database opens an investigation, which a person resolves',
    async run(bench) {
      await bench.at('hexabuilders@50', 'data-inconsistency')
      await change(bench)
      await bench.holds('guardrails.data-inconsistency', /opened an investigation/)
      expect((await bench.journal()).investigations?.at(-1)).toMatchObject({
        guardrail: 'data-inconsistency',
        position: 'hexabuilders@50',
      })
      expect(Object.values(await bench.weights())).toEqual([50, 50, 50, 50])
      await bench.heal()
      await bench.stack.until('the alarm to end', () =>
        bench.events('resolved').some(({ message }) => /data-inconsistency/.test(message)),
      )
      // What was found is still to be looked at.
      await bench.holds('guardrails.data-inconsistency', /opened an investigation/)
      expect((await bench.sluice('resolve', 'data-inconsistency')).code).toBe(0)
      await bench.holdsNoMore('guardrails.data-inconsistency')
    },
  },
  {
    of: 'guardrails.data-loss',
    title: 'rows that the new database lost take all four services back to 0',
    async run(bench) {
      await bench.at('hexabuilders@50', 'data-loss')
      await lose(bench)
      await rolledBack(bench, { cause: 'data-loss', asked })
      // The traffic goes back, and the data stay as they are.
      const [left] = await bench.sql('campaign_management', 'select 1 from campaign_performance')
      expect(left).toBeUndefined()
    },
  },
  {
    of: 'guardrails.integrations',
    title: 'three failed checks of what the services are to each other take everything back',
    async run(bench) {
      await bench.at('hexabuilders@50', 'integrations')
      await bench.fault('partners', { integration: 1 })
      await rolledBack(bench, { cause: 'integrations', asked })
    },
  },
  {
    of: 'guardrails.health',
    title: 'a green that says it is ill takes everything back',
    async run(bench) {
      await bench.at('hexabuilders@50', 'health')
      await bench.fault('recruitment', { unhealthy: 1 })
      await rolledBack(bench, { cause: 'health', asked })
    },
  },
  gateHolds('migration-tests', 'a campaign that cannot be made', (bench) =>
    bench.fault('campaigns', { errors: 1 }),
  ),
  gateHolds(
    'monitoring',
    'a service that shows no numbers',
    (bench) => bench.fault('onboarding', { unmeasured: 1 }),
    'start',
    'gates',
    true,
  ),
  {
    of: 'gates.rollback-rehearsed',
    title: 'a rehearsal asked of an environment that is not there holds the first step',
    async run(bench) {
      await bench.into('rehearsed elsewhere')
      await bench.holds('gates.rollback-rehearsed', /^inconclusive at start: .* has no home/)
      expect(Object.values(await bench.weights())).toEqual([0, 0, 0, 0])
    },
  },
  gateHolds('data-migration', 'rows that did not come over', lose),
  gateHolds('event-flows', 'a registration without a contract', (bench) =>
    bench.fault('onboarding', { eventMs: 12_000 }),
  ),
  gateHolds('profile-360', 'a profile that takes 700 ms', (bench) =>
    bench.fault('partners', { slow: 1, slowMs: 700 }),
  ),
  gateHolds('registration-to-contract', 'a contract that takes 2.5 s', (bench) =>
    bench.fault('onboarding', { eventMs: 2_500 }),
  ),
  gateHolds('data-integrity', 'a row that differs', change, 'hexabuilders@50'),
  gateHolds(
    'performance',
    'a partner that takes 500 ms',
    (bench) => bench.fault('partners', { slow: 1, slowMs: 500 }),
    'hexabuilders@50',
    'performance',
    true,
  ),
  gateRollsBack('rows', 'rows that are lost', 'hexabuilders@50', asked, lose),
  gateRollsBack(
    'sla',
    'a third of the answers failing',
    'hexabuilders@50',
    asked,
    (bench) => bench.fault('partners', { errors: 0.3 }),
    {},
    'sla',
  ),
  gateRollsBack(
    'e2e',
    'a registration without a contract',
    'hexabuilders@50',
    asked,
    (bench) => bench.fault('onboarding', { eventMs: 12_000 }),
    {},
    'e2e',
  ),
  backedUp({
    name: 'hexabuilders',
    database: 'hexabuilders',
    table: 'partners',
    to: 'hexabuilders@50',
    spoil: 'delete from commissions where id = 7',
    ask: 'select count(*)::int as n from commissions where id = 7',
  }),
  backedUp({
    name: 'campaign-management',
    database: 'campaign_management',
    table: 'campaigns',
    to: 'hexabuilders@50',
    spoil: `delete from kept_rows where id = 7`,
    ask: 'select count(*)::int as n from kept_rows where id = 7',
    prepare: 'create table if not exists kept_rows as select 7 as id',
  }),
  {
    of: 'rollback.plan',
    title:
      'sluice rollback --restore-db brings blue up, moves the traffic, then puts the copy in place',
    async run(bench) {
      // Where nothing that asks blue can be first.
      await bench.at('hexabuilders@50', 'data-loss')
      await bench.sql('hexabuilders', 'delete from commissions where id = 8')
      await stopService(bench.stack.layout, 'partners-blue')
      await bench.stack.until('the router to miss blue', async () => {
        const { layout } = bench.stack
        return !(await new HaproxyRouter(layout).healthy('partners', 'blue'))
      })
      const done = await bench.sluice(
        'rollback',
        '--reason',
        'a drill',
        '--restore-db',
        'hexabuilders',
      )
      expect(done.code, done.output).toBe(0)
      const told = [
        /blue of partners was down, is started and answers/,
        /green is at 0, read back after/,
        /hexabuilders is restored and verified after/,
        /blue answers for every service/,
      ].map((line) => done.output.search(line))
      // Each of them was said, and none before the one that it rests on.
      expect(told, done.output).toEqual(told.toSorted((a, b) => a - b))
      expect(told[0], done.output).toBeGreaterThanOrEqual(0)
      await rolledBack(bench, { cause: 'rollback', asked })
      const [back] = await bench.sql('hexabuilders', 'select id from commissions where id = 8')
      expect(back).toEqual({ id: 8 })
    },
  },
]

export const hexabuilders: Drills = {
  plan: 'hexabuilders',
  drills,
  bench: {
    name: 'hexabuilders',
    environment: 'staging',
    clock: 60,
    rate: 70,
    // A tenth more than a baseline has to be more than a busy machine adds.
    work: 120,
    variants,
    beside: async ({ stack }) => (await startIndexServer(stack.port + 9)).close,
    paths: HEXABUILDERS_PATHS,
  },
}
