import { expect } from 'vitest'
import type { Bench } from './bench.ts'
import type { Drill } from './drill.ts'
import { rolledBack } from './seen.ts'

/** Each strategy: what it does as its service goes to green, and as it comes back. */

const user = { 'x-user-id': 'drill-1' }

async function ask(
  bench: Bench,
  path: string,
  method = 'GET',
  body?: object,
): Promise<Record<string, unknown>> {
  const response = await fetch(`${bench.stack.url}${path}`, {
    method,
    headers: user,
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status}`)
  return (await response.json()) as Record<string, unknown>
}

/** Takes a service to green, then back, and waits for what its strategy does there. */
async function thereAndBack(
  bench: Bench,
  service: string,
  work: { before?: () => Promise<void>; there: () => Promise<void>; path: string },
): Promise<void> {
  // Before its operations at start are run, which is at once.
  await bench.atStart()
  await work.before?.()
  await bench.into(service)
  await bench.at(`${service}@100`, service)
  expect(await bench.answering(work.path)).toEqual(['package'])
  await work.there()
  const { code, output } = await bench.sluice('rollback', '--service', service)
  expect(code, output).toBe(0)
  // The command returns when the state is back too.
  expect(output).toMatch(/limit service 30s: kept/)
  const asked = [{ path: work.path, by: ['functions'] }]
  await rolledBack(bench, { cause: 'rollback', asked, limits: ['service'] })
}

const jobs = (service: string): Drill => ({
  of: `services.${service}.strategy`,
  title: `what ${service} has in flight when it goes back is begun again in blue, and marked`,
  async run(bench) {
    const id = `drill-${service}-${Date.now()}`
    const path = `/${service}/jobs/none`
    await thereAndBack(bench, service, {
      path,
      there: async () => {
        const told = await ask(bench, `/${service}/jobs`, 'POST', { id, long: true })
        expect(told).toMatchObject({ state: 'begun' })
      },
    })
    const state = (database: string) =>
      bench.sql(database, 'select state from processing_jobs where id = $1', [id])
    await bench.stack.until('the compensation', async () => {
      return (await state('cvplus_packages'))[0]?.['state'] === 'compensated'
    })
    expect(await state('cvplus')).toEqual([{ state: 'begun' }])
  },
})

export const strategies: Drill[] = [
  jobs('improvement-orchestrator'),
  jobs('recommendation-orchestrator'),
  {
    of: 'services.cache-manager.strategy',
    title: 'a write to the cache goes to both sides, and what green took stands in blue afterwards',
    async run(bench) {
      const key = `drill-${Date.now()}`
      const both = () =>
        Promise.all(
          ['cvplus', 'cvplus_packages'].map(async (database) => {
            const sql = 'select value from cache_entries where key = $1'
            return (await bench.sql(database, sql, [key]))[0]?.['value']
          }),
        )
      await thereAndBack(bench, 'cache-manager', {
        path: '/cache-manager/entries/some',
        there: async () => {
          await ask(bench, `/cache-manager/entries/${key}`, 'PUT', { value: 'kept' })
          await bench.stack.until('both sides to have it', async () =>
            (await both()).every((value) => value === 'kept'),
          )
        },
      })
      const after = await ask(bench, `/cache-manager/entries/${key}`)
      expect(after).toMatchObject({ key, value: 'kept' })
    },
  },
  {
    of: ['services.recommendation-generator.strategy', 'rollback.flag'],
    title: 'one process, whose flag shifts the users; taken off, nobody has the new one at once',
    async run(bench) {
      const [service, flag] = ['recommendation-generator', 'use-recommendation-generator']
      const path = `/${service}/for/7`
      await bench.atStart()
      expect(await bench.answering(path)).toEqual(['functions'])
      await bench.at(`${service}@100`, service)
      expect(bench.flags()(flag, { bucket: 99 })).toBe(true)
      expect(await bench.answering(path)).toEqual(['package'])
      bench.afterwards(() => bench.sluice('flag', flag, 'on'))
      const { code, output } = await bench.sluice('flag', flag, 'off')
      expect(code, output).toBe(0)
      expect(bench.flags()(flag, { bucket: 0 })).toBe(false)
      await bench.stack.until('nobody to have the new one', async () =>
        (await bench.answering(path)).every((by) => by === 'functions'),
      )
      expect((await bench.weights())[service]).toBe(100)
    },
  },
  {
    of: 'services.circuit-breaker.strategy',
    title:
      'an open circuit is open in green too, and one that opened there is open in blue after it',
    async run(bench) {
      const circuit = (name: string) => `/circuit-breaker/circuits/${name}-${began}`
      const began = Date.now()
      const open = async (name: string) => {
        for (let n = 0; n < 3; n++) await ask(bench, circuit(name), 'POST', { failed: true })
      }
      await thereAndBack(bench, 'circuit-breaker', {
        path: '/circuit-breaker/circuits/some',
        before: () => open('mail'),
        there: async () => {
          expect(await ask(bench, circuit('mail'))).toMatchObject({ state: 'open' })
          await open('search')
        },
      })
      await bench.stack.until('blue to have the state of green', async () => {
        return (await ask(bench, circuit('search')))['state'] === 'open'
      })
      expect(await ask(bench, circuit('mail'))).toMatchObject({ state: 'open' })
    },
  },
  {
    of: 'services.action-orchestrator.strategy',
    title: 'an open action is handed over whole, and taken back whole',
    async run(bench) {
      const id = `drill-${Date.now()}`
      const path = `/action-orchestrator/actions/${id}`
      const states = () =>
        Promise.all(
          ['cvplus', 'cvplus_packages'].map(async (database) => {
            const sql = 'select state from actions where id = $1'
            return (await bench.sql(database, sql, [id]))[0]?.['state']
          }),
        )
      await thereAndBack(bench, 'action-orchestrator', {
        path: '/action-orchestrator/actions/none',
        before: async () => {
          await ask(bench, path, 'PUT', { done: false })
          expect(await states()).toEqual(['open', undefined])
        },
        there: async () => {
          await bench.stack.until('the commit', async () => (await states())[0] === 'moved')
          expect(await states()).toEqual(['moved', 'open'])
        },
      })
      await bench.stack.until('the abort', async () => (await states())[0] === 'open')
      expect(await states()).toEqual(['open', undefined])
    },
  },
]
