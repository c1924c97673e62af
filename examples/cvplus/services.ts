import { readFileSync } from 'node:fs'
import { open, type Store } from '../database.ts'
import { invalid, notFound } from '../huntred/http.ts'
import { Metrics } from '../metrics.ts'
import type { Asked, Routes } from '../service.ts'
import { jobRoutes } from './jobs.ts'

/** The seven services of CVPlus. Functions and packages have one behaviour: their interface is kept. */
export const SERVICES = [
  'cv-analyzer',
  'improvement-orchestrator',
  'cache-manager',
  'recommendation-generator',
  'circuit-breaker',
  'recommendation-orchestrator',
  'action-orchestrator',
] as const

export type ServiceName = (typeof SERVICES)[number]

export const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')

export interface Built {
  routes: Routes
  metrics: Metrics
  store: Store
}

/**
 * @param names the services that this process answers for
 * @param generation functions keep their data in CVPLUS_URL, packages in CVPLUS_PACKAGES_URL
 */
export function build(names: readonly ServiceName[], generation: 'functions' | 'package'): Built {
  const metrics = new Metrics()
  const store = open(
    generation === 'package' ? 'CVPLUS_PACKAGES_URL' : 'CVPLUS_URL',
    SCHEMA,
    metrics,
  )
  const routes = Object.assign({}, ...names.map((name) => routesOf(name, store, metrics))) as Routes
  const paths = Object.keys(routes)
  return {
    metrics,
    store,
    routes: { ...routes, 'GET /interface': () => ({ body: { routes: paths.sort() } }) },
  }
}

function routesOf(name: ServiceName, store: Store, metrics: Metrics): Routes {
  switch (name) {
    case 'cv-analyzer':
      return { 'GET /cv-analyzer/cvs/:id': (asked) => analyse(store, asked) }
    case 'cache-manager':
      return cache(store)
    case 'recommendation-generator':
      return { 'GET /recommendation-generator/for/:id': recommend }
    case 'circuit-breaker':
      return breaker()
    case 'action-orchestrator':
      return actions(store)
    default:
      return jobRoutes(name, store, metrics)
  }
}

async function analyse(store: Store, { params }: Asked) {
  const [cv] = await store.query<{ body: string }>('select body from user_cvs where id = $1', [
    number(params['id']),
  ])
  if (!cv) throw notFound(`cv ${params['id']} does not exist`)
  const skills = cv.body.split(' ').sort()
  return { body: { cv: Number(params['id']), skills, score: Math.min(100, skills.length * 30) } }
}

function cache(store: Store): Routes {
  const path = '/cache-manager/entries/:key'
  return {
    [`GET ${path}`]: async ({ params }) => {
      const sql = 'select value from cache_entries where key = $1'
      const [entry] = await store.query<{ value: string }>(sql, [params['key']])
      return { body: { key: params['key'], value: entry?.value ?? null } }
    },
    [`PUT ${path}`]: async ({ params, body }) => {
      if (typeof body['value'] !== 'string') throw invalid('value: give a text')
      await store.query(
        'insert into cache_entries values ($1, $2) on conflict (key) do update set value = $2',
        [params['key'], body['value']],
      )
      return { body: { key: params['key'], value: body['value'] } }
    },
    [`DELETE ${path}`]: async ({ params }) => {
      await store.query('delete from cache_entries where key = $1', [params['key']])
      return { body: { key: params['key'], value: null } }
    },
  }
}

/** One process has both implementations; the flag says which. Their answers are the same. */
function recommend({ params, flag, colour }: Asked) {
  const cv = number(params['id'])
  const on = colour ? colour === 'green' : flag('use-recommendation-generator')
  const texts = ['Add figures.', 'Name your tools.', 'Begin with a verb.']
  const chosen = on ? texts.at(cv % 3) : texts.find((_, index) => index === cv % 3)
  return { body: { cv, text: chosen }, headers: { 'x-version': on ? 'package' : 'functions' } }
}

/** State in memory only: it goes along when the traffic moves, or it is lost. */
function breaker(): Routes {
  let failures: Record<string, number> = {}
  const show = (name: string) => ({
    name,
    failures: failures[name] ?? 0,
    state: (failures[name] ?? 0) >= 3 ? 'open' : 'closed',
  })
  return {
    'GET /circuit-breaker/circuits/:name': ({ params }) => ({ body: show(params['name'] ?? '') }),
    'POST /circuit-breaker/circuits/:name': ({ params, body }) => {
      const name = params['name'] ?? ''
      failures = { ...failures, [name]: body['failed'] === true ? (failures[name] ?? 0) + 1 : 0 }
      return { body: show(name) }
    },
    'GET /state': () => ({ body: { failures } }),
    'PUT /state': ({ body }) => {
      failures = (body['failures'] ?? {}) as Record<string, number>
      return { body: { failures } }
    },
  }
}

/** What is open here is handed over by transaction.ts: prepared, then committed or aborted. */
function actions(store: Store): Routes {
  return {
    'GET /action-orchestrator/actions/:id': async ({ params }) => {
      const sql = 'select state from actions where id = $1'
      const [found] = await store.query<{ state: string }>(sql, [params['id']])
      return { body: { id: params['id'], state: found?.state ?? 'unknown' } }
    },
    'PUT /action-orchestrator/actions/:id': async ({ params, body }) => {
      const state = body['done'] === true ? 'done' : 'open'
      await store.query(
        'insert into actions values ($1, $2) on conflict (id) do update set state = $2',
        [params['id'], state],
      )
      return { body: { id: params['id'], state } }
    },
  }
}

function number(text: string | undefined): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw invalid(`id: ${text} is no number from 1`)
  return value
}
