import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Store } from '../database.ts'
import { invalid, notFound } from '../huntred/http.ts'
import type { Metrics } from '../metrics.ts'
import type { Routes } from '../service.ts'
import { publish } from './events.ts'

export const SCHEMA = readFileSync(new URL('schema.sql', import.meta.url), 'utf8')

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The id that stands in a path or a body; refused with 400 where it is none. */
export function id(value: unknown): string {
  if (typeof value === 'string' && UUID.test(value)) return value
  throw invalid(`id: ${JSON.stringify(value)} is no UUID`)
}

/** Partner CRUD, validation and commissions: the same in the monolith and in its successor. */
export function partnerRoutes(store: Store, metrics: Metrics): Routes {
  metrics.add('partners_registered_total', 0)
  return {
    'POST /partners': async ({ body }) => {
      const nombre = body['nombre']
      if (typeof nombre !== 'string' || nombre === '') throw invalid('nombre: give a name')
      const partner = { id: body['id'] === undefined ? randomUUID() : id(body['id']), nombre }
      await store.transaction(async (query) => {
        await query("insert into partners (id, nombre, estado) values ($1, $2, 'ACTIVE')", [
          partner.id,
          nombre,
        ])
        await publish(query, 'PartnerRegistrationCompleted', { partner_id: partner.id, nombre })
      })
      metrics.add('partners_registered_total')
      return { status: 201, body: { ...partner, estado: 'ACTIVE' } }
    },
    'GET /partners/:id': async ({ params }) => ({ body: await partner(store, params['id']) }),
    'GET /commissions/:id': async ({ params }) => {
      const sql =
        'select coalesce(sum(centimos), 0)::int as sum from commissions where partner_id = $1'
      const [row] = await store.query<{ sum: number }>(sql, [id(params['id'])])
      return { body: { partner_id: params['id'], centimos: row?.sum ?? 0 } }
    },
  }
}

export async function partner(store: Store, given: string | undefined) {
  const sql = 'select id, nombre, estado from partners where id = $1'
  const [found] = await store.query<{ id: string; nombre: string; estado: string }>(sql, [
    id(given),
  ])
  if (!found) throw notFound(`partner ${given} does not exist`)
  return found
}

/** Campaign CRUD and analytics, over the monolith's tables or over the extracted ones. */
export function campaignRoutes(store: Store, metrics: Metrics): Routes {
  metrics.add('campaigns_created_total', 0)
  return {
    'POST /campaigns': async ({ body }) => {
      const nombre = body['nombre']
      if (typeof nombre !== 'string' || nombre === '') throw invalid('nombre: give a name')
      const [made] = await store.query<{ id: string; estado: string }>(
        `insert into campaigns (id, partner_id, nombre, presupuesto, estado)
         values ($1, $2, $3, $4, 'ACTIVE') returning id, estado`,
        [
          body['id'] === undefined ? randomUUID() : id(body['id']),
          id(body['partner_id']),
          nombre,
          Number(body['presupuesto'] ?? 0),
        ],
      )
      metrics.add('campaigns_created_total')
      return { status: 201, body: { ...made } }
    },
    'GET /campaigns/:id': async ({ params }) => {
      const [found] = await store.query(
        `select c.id, c.partner_id, c.nombre, c.presupuesto::text, c.estado, p.metricas
         from campaigns c left join campaign_performance p on p.campaign_id = c.id where c.id = $1`,
        [id(params['id'])],
      )
      if (!found) throw notFound(`campaign ${params['id']} does not exist`)
      return { body: found }
    },
    'GET /campaigns': async ({ query }) => {
      const sql =
        'select id, nombre, estado from campaigns where partner_id = $1 order by id limit 20'
      return { body: { campaigns: await store.query(sql, [id(query.get('partner'))]) } }
    },
  }
}

/** A number of rows, asked for every second for a gauge. */
export function counted(store: Store, metrics: Metrics, name: string, from: string): void {
  let value: number | undefined
  metrics.gauge(name, () => value)
  const look = () =>
    store
      .query<{ n: number }>(`select count(*)::int as n from ${from}`)
      .then(([row]) => {
        value = row?.n
      })
      .catch(() => undefined)
  void look()
  setInterval(() => void look(), 1_000).unref()
}
