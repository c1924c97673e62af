import { expect } from 'vitest'
import { backedUp } from './backups.ts'
import type { Bench } from './bench.ts'
import type { Drill, Drills } from './drill.ts'
import { arrive, gateHolds, gateRollsBack, unconfirmedHolds } from './gates.ts'
import { withoutColumn, withoutReview, withoutSessions } from './resume-review-breaks.ts'
import { variants } from './resume-review-cuts.ts'
import { lastAnswerBy, rolledBack } from './seen.ts'

const upload = { method: 'POST', body: '{"filename":"a.txt","text":"b"}' }
/** What is asked of each service, and who answers where its flag is off. */
const PATHS: Record<string, { path: string; init?: RequestInit; by: string[] }> = {
  auth: { path: '/api/auth/me', by: ['old'] },
  upload: { path: '/api/upload', init: upload, by: ['404'] },
  'ai-structure': { path: '/api/ai/structure/3', by: ['old'] },
  'ai-appeal': { path: '/api/ai/appeal/3', by: ['old'] },
  review: { path: '/api/review/7', by: ['old'] },
}
const asked = (service: string) => [PATHS[service] as (typeof PATHS)[string]]
const limits = ['code'] as const

const anew = (faults: Record<string, number>) => (bench: Bench) => bench.fault('auth', faults)

const holds = (gate: string, broken: string, breaks: (bench: Bench) => unknown, first = 'auth') =>
  gateHolds(gate, broken, breaks, `${first}@50`, gate)
const rollsBack = (
  gate: string,
  broken: string,
  breaks: (bench: Bench) => unknown,
  first = 'auth',
) => gateRollsBack(gate, broken, `${first}@50`, asked(first), breaks, { limits: [...limits] }, gate)

/** The flag of a service is what moves its users, there and back. */
const toggle = (service: string, flag: string, limit: string[] = []): Drill => ({
  of: [`services.${service}.strategy`, ...limit],
  title: `the users of ${service} follow the flag ${flag}, there and back`,
  async run(bench) {
    const [{ path, init, by }] = asked(service) as [(typeof PATHS)[string]]
    await bench.atStart()
    expect(bench.flags()(flag, { bucket: 0 })).toBe(false)
    expect(await bench.answering(path, init)).toEqual(by)
    await bench.at(`${service}@100`, `toggle ${service}`)
    expect(bench.flags()(flag, { bucket: 99 })).toBe(true)
    expect(await bench.answering(path, init)).toEqual(['new'])
    const { code, output } = await bench.sluice('rollback', '--service', service)
    expect(output).toMatch(/limit code 5m: kept/)
    expect(code).toBe(0)
    await rolledBack(bench, { cause: 'rollback', asked: asked(service), limits: [...limits] })
  },
})

const drills: Drill[] = [
  {
    of: 'guardrails.errors',
    title: 'one answer of five failing takes the flag off, and the old code answers',
    async run(bench) {
      await bench.at('auth@50', 'errors')
      await bench.fault('auth', { newFails: 0.2 })
      await rolledBack(bench, { cause: 'errors', asked: asked('auth'), limits: [...limits] })
    },
  },
  ...(
    [
      ['slow', 'answers that take 500 ms more', { newSlowMs: 500 }],
      ['memory-leak', 'a leak of memory', { leakKilobytes: 1_500 }],
      ['connection-leak', 'a leak of connections', { leakConnections: 1 }],
    ] as [string, string, Record<string, number>][]
  ).map(
    ([of, broken, faults]): Drill => ({
      of: `guardrails.${of}`,
      title: `${broken} holds the next step, people are told, and nothing goes back`,
      async run(bench) {
        await bench.at('auth@50', of)
        await bench.fault('auth', faults)
        await bench.holds(`guardrails.${of}`, /against/)
        await bench.told(new RegExp(of))
        expect((await bench.weights())['auth']).toBe(50)
      },
    }),
  ),
  {
    of: 'guardrails.contract-break',
    title: 'an answer of auth with a field too many takes auth back',
    async run(bench) {
      await bench.at('auth@50', 'contract-break')
      await bench.fault('auth', { newWrong: 1 })
      const expected = { cause: 'contract-break', asked: asked('auth'), limits: [...limits] }
      await rolledBack(bench, expected)
    },
  },
  {
    of: 'guardrails.contract-break-ai',
    title: 'an answer of an agent with a field too many takes it back',
    async run(bench) {
      await bench.at('ai-structure@50', 'contract-break-ai')
      await bench.fault('auth', { newWrong: 1 })
      const ai = asked('ai-structure')
      await rolledBack(bench, { cause: 'contract-break-ai', asked: ai, limits: [...limits] })
    },
  },
  {
    of: ['guardrails.inconsistent', 'gates.data'],
    title: 'a session of nobody holds the next step until it is gone',
    async run(bench) {
      await bench.at('auth@50', 'inconsistent')
      const gone = "delete from sessions where token = 'stray'"
      bench.afterwards(() => bench.sql('resume_review', gone))
      await bench.sql('resume_review', "insert into sessions values ('stray', 'nobody')")
      await bench.holds('guardrails.inconsistent', /session of nobody/)
      await bench.told(/inconsistent/)
      expect((await bench.weights())['auth']).toBe(50)
      await bench.sql('resume_review', gone)
      await bench.holdsNoMore('guardrails.inconsistent')
    },
  },
  {
    of: 'guardrails.health',
    title: 'a process that is ill takes the flag off at once, and the traffic when blue is well',
    async run(bench) {
      await bench.at('auth@50', 'health')
      await bench.fault('auth', { unhealthy: 1 })
      await bench.stack.until('the latch', async () => (await bench.latch()).latched)
      expect((await bench.latch()).trip?.cause).toBe('health')
      // One process is both colours: nobody is moved onto a blue that is known to be ill as well.
      await bench.told(/ROLLED BACK|GREEN KEEPS TRAFFIC because blue is absent or ill/)
      await bench.stack.until(
        'the flag to be off',
        () => !bench.flags()('use-new-auth', { bucket: 0 }),
      )
      await bench.heal()
      await bench.stack.until('green to be at 0', async () => (await bench.weights())['auth'] === 0)
      expect(await bench.answering('/api/auth/me')).toEqual(['old'])
    },
  },
  {
    of: 'escalation.1',
    title: 'above one error in a hundred the on-call is told, nobody else, and nothing goes back',
    async run(bench) {
      await bench.at('auth@100', 'escalation')
      await bench.fault('auth', { newFails: 0.025 })
      await bench.told(/above 1%/)
      expect(bench.readersOf(/above 1%/)).toEqual(['ON_CALL_URL'])
      expect((await bench.weights())['auth']).toBe(100)
    },
  },
  {
    of: 'escalation.2',
    title: 'above five in a hundred the team lead is told, and it goes back',
    async run(bench) {
      await bench.at('auth@100', 'escalation')
      await bench.fault('auth', { newFails: 0.08 })
      await rolledBack(bench, { cause: 'escalation', asked: asked('auth'), limits: [...limits] })
      await bench.told(/above 5%/)
      expect(bench.readersOf(/has error rate .*above 5%/)).toContain('TEAM_LEAD_URL')
    },
  },
  {
    of: 'escalation.3',
    title: 'above ten in a hundred everyone is told, though the guardrail took it back long before',
    async run(bench) {
      await bench.at('auth@50', 'escalation with its guardrail')
      await bench.fault('auth', { newFails: 0.5 })
      await rolledBack(bench, { cause: 'errors', asked: asked('auth'), limits: [...limits] })
      for (const [level, reader] of [
        ['1%', 'ON_CALL_URL'],
        ['5%', 'TEAM_LEAD_URL'],
        ['10%', 'EVERYONE_URL'],
      ] as const) {
        const news = new RegExp(`(?<!errors: )green of auth has error rate .*, above ${level}`)
        const told = () => bench.readersOf(news).includes(reader)
        await bench.stack.until(`${reader} to hear of ${level}`, told)
        expect(
          bench.news.filter((text) => text.startsWith(reader) && news.test(text)),
        ).toHaveLength(1)
      }
      expect(bench.readersOf(/above 10%/)).toEqual(['EVERYONE_URL'])
    },
  },
  gateHolds('foundation', 'a review that is lost', withoutReview, 'start', 'start'),
  gateHolds('schema', 'a column that is lost', withoutColumn, 'start', 'start', true),
  rollsBack('contracts', 'a login that fails', withoutSessions),
  rollsBack('auth-identical', 'an answer with a field too many', anew({ newWrong: 1 })),
  holds('auth-speed', 'answers that take 400 ms more', anew({ newSlowMs: 400 })),
  holds('auth-tests', 'a login that fails', withoutSessions),
  holds('no-new-errors', 'an error that nobody has seen', anew({ newErrors: 1 })),
  holds('upload-works', 'a column that is lost', withoutColumn, 'upload'),
  {
    of: 'gates.prompts',
    title: 'prompts that are not there fail prompts, which holds the step after ai-structure@50',
    async run(bench) {
      await arrive(bench, 'ai-structure@50', 'no prompts')
      await bench.holds('gates.prompts', /^failed at ai-structure@50/)
      expect((await bench.weights())['ai-structure']).toBe(50)
      await bench.at('ai-structure@50', 'prompts')
      await bench.holdsNoMore('gates.prompts')
    },
  },
  rollsBack(
    'ai-unchanged',
    'an answer with a field too many',
    anew({ newWrong: 1 }),
    'ai-structure',
  ),
  holds('ai-speed', 'answers that take 400 ms more', anew({ newSlowMs: 400 }), 'ai-structure'),
  holds('ai-tests', 'a review that is lost', withoutReview, 'ai-structure'),
  rollsBack('few-errors', 'one answer of ten failing', anew({ newFails: 0.1 }), 'review'),
  rollsBack('fast', 'answers that take 300 ms', anew({ newSlowMs: 300 }), 'review'),
  unconfirmedHolds('no-complaints', 'review@50', 'no-complaints'),
  rollsBack('all-stable', 'one answer of ten failing', anew({ newFails: 0.1 })),
  rollsBack('all-fast', 'answers that take 300 ms', anew({ newSlowMs: 300 })),
  holds('performance', 'answers that take 400 ms more', anew({ newSlowMs: 400 })),
  holds('review-tests', 'a review that is lost', withoutReview, 'review'),
  unconfirmedHolds('final', 'auth@50', 'final'),
  toggle('auth', 'use-new-auth', ['limits.code', 'rollback.service']),
  toggle('upload', 'use-new-upload'),
  toggle('ai-structure', 'use-new-ai-structure'),
  toggle('ai-appeal', 'use-new-ai-appeal'),
  toggle('review', 'use-new-review'),
  {
    of: ['limits.flag', 'rollback.flag'],
    title: 'sluice flag takes one feature back within its minute, and leaves the traffic',
    async run(bench) {
      await bench.at('review@100', 'toggle review')
      bench.afterwards(() => bench.sluice('flag', 'use-new-review', 'on'))
      expect(await bench.answering('/api/review/7')).toEqual(['new'])
      const began = performance.now()
      const setting = bench.sluice('flag', 'use-new-review', 'off')
      // What the product measures ends with the file; what is promised, with the last answer.
      const lastMs = await lastAnswerBy(bench, 'new', '/api/review/7', setting)
      const { code, output } = await setting
      expect(output).toMatch(/limit flag 1m: kept/)
      expect(code).toBe(0)
      expect(bench.flags()('use-new-review', { bucket: 0 })).toBe(false)
      expect(lastMs - began).toBeLessThan(bench.stack.plan.limits.flag as number)
      expect((await bench.weights())['review']).toBe(100)
    },
  },
  {
    of: ['limits.database', 'rollback.database'],
    title:
      'sluice rollback --database takes the migration back within its ten minutes, at blue 100',
    async run(bench) {
      const score = async () =>
        (
          await bench.sql(
            'resume_review',
            "select 1 from information_schema.columns where table_name = 'reviews' and column_name = 'score'",
          )
        ).length === 1
      await bench.at('auth@50', 'errors')
      expect(await score()).toBe(true)
      const refused = await bench.sluice('rollback', '--database', 'migrate')
      expect(refused.output).toMatch(/taken back only with blue at 100/)
      expect(refused.code).not.toBe(0)
      await bench.sluice('rollback')
      const { code, output } = await bench.sluice('rollback', '--database', 'migrate')
      expect(output).toMatch(/limit database 10m: kept/)
      expect(code).toBe(0)
      expect(await score()).toBe(false)
      expect(await bench.answering('/api/review/7')).toEqual(['old'])
    },
  },
  backedUp({
    name: 'reviews',
    database: 'resume_review',
    table: 'users',
    to: 'auth@50',
    prepare: 'create table if not exists kept_rows (id int); insert into kept_rows values (7)',
    spoil: 'delete from kept_rows',
    ask: 'select least(count(*), 1)::int as n from kept_rows',
  }),
]

export const resumeReview: Drills = {
  plan: 'resume-review',
  drills,
  bench: {
    name: 'resume-review',
    environment: 'development',
    clock: 60,
    rate: 150,
    variants,
    paths: [
      '/api/auth/me',
      '/api/review/7',
      '/api/ai/structure/7',
      '/api/ai/appeal/7',
      { path: '/api/upload', ...upload },
    ],
  },
}
