import { ask } from '../command.ts'
import { open } from '../database.ts'
import { Refusal } from '../huntred/http.ts'
import { Metrics } from '../metrics.ts'
import { serve } from '../service.ts'
import { counted, partner, partnerRoutes, SCHEMA } from './domain.ts'

// Partner Management, refactored: its profile asks the three other services.

const metrics = new Metrics()
const store = open('HEXABUILDERS_URL', SCHEMA, metrics)
counted(store, metrics, 'partners_active', "partners where estado = 'ACTIVE'")
const others = {
  campaigns: process.env['CAMPAIGNS'],
  contracts: process.env['CONTRACTS'],
  jobs: process.env['JOBS'],
}

const list = async (kind: keyof typeof others, id: string | undefined) => {
  const found = await ask<Record<string, unknown[]>>(`${others[kind]}/${kind}?partner=${id}`)
  return found[kind] ?? []
}

const service = serve({
  name: 'partner-management',
  version: 'green',
  metrics,
  faults: ['integration'],
  stop: () => store.close(),
  routes: {
    ...partnerRoutes(store, metrics),
    'GET /partners/:id/profile-360': async ({ params }) => {
      const [found, campaigns, contracts, recruitment] = await Promise.all([
        partner(store, params['id']),
        list('campaigns', params['id']),
        list('contracts', params['id']),
        list('jobs', params['id']),
      ])
      return { body: { partner: found, campaigns, contracts, recruitment } }
    },
    /** "Health checks entre servicios": each of the others answers this one. */
    'GET /integrations': async () => {
      if (service.fault('integration') > 0) throw new Refusal(503, 'unhealthy', 'cut off')
      for (const url of Object.values(others)) await ask(`${url}/healthz`)
      return { body: { well: true } }
    },
  },
})
