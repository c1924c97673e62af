import { open } from '../database.ts'
import { Metrics } from '../metrics.ts'
import { serve } from '../service.ts'
import { campaignRoutes, counted, id, SCHEMA } from './domain.ts'
import { read } from './events.ts'

// Campaign Management, with the tables that were taken out of the monolith's database.

const metrics = new Metrics()
const own = open('CAMPAIGN_MANAGEMENT_URL', '', metrics)
const shared = open('HEXABUILDERS_URL', SCHEMA)
counted(own, metrics, 'campaigns_created', 'campaigns')

const reader = read(
  shared,
  metrics,
  'campaigns',
  'ContractActivated',
  async (query, { partner_id }) => {
    await query(
      'insert into partner_permissions values ($1, true, 10000.00) on conflict do nothing',
      [partner_id],
    )
  },
  () => service.fault('eventMs'),
)

const service = serve({
  name: 'campaign-management',
  version: 'green',
  metrics,
  faults: ['eventMs'],
  stop: async () => {
    reader.stop()
    await Promise.all([own.close(), shared.close()])
  },
  routes: {
    ...campaignRoutes(own, metrics),
    'GET /permissions/:id': async ({ params }) => {
      const sql = 'select can_create_campaigns from partner_permissions where partner_id = $1'
      const [row] = await shared.query(sql, [id(params['id'])])
      return { body: { partner_id: params['id'], can_create_campaigns: row !== undefined } }
    },
    'POST /consumers': () => ({ body: { consumers: reader.more() } }),
    'GET /integrations': () => ({ body: { well: true } }),
  },
})
