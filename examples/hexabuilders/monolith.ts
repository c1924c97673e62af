import { open } from '../database.ts'
import { Metrics } from '../metrics.ts'
import { serve } from '../service.ts'
import { campaignRoutes, partner, partnerRoutes, SCHEMA } from './domain.ts'

// Partner Management as it was: one process and one database for everything. It has no contracts
// and no jobs of its own, so that its profile shows none.

const metrics = new Metrics()
const store = open('HEXABUILDERS_URL', SCHEMA, metrics)

serve({
  name: 'partner-management',
  version: 'blue',
  metrics,
  stop: () => store.close(),
  routes: {
    ...partnerRoutes(store, metrics),
    ...campaignRoutes(store, metrics),
    'GET /permissions/:id': async ({ params }) => {
      const sql = 'select can_create_campaigns from partner_permissions where partner_id = $1'
      const [row] = await store.query(sql, [params['id']])
      return { body: { partner_id: params['id'], can_create_campaigns: row !== undefined } }
    },
    'GET /partners/:id/profile-360': async ({ params }) => ({
      body: {
        partner: await partner(store, params['id']),
        campaigns: await store.query(
          'select id, nombre, estado from campaigns where partner_id = $1 order by id limit 20',
          [params['id']],
        ),
        contracts: [],
        recruitment: [],
      },
    }),
    'GET /integrations': () => ({ body: { well: true } }),
  },
})
