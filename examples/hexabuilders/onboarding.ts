import { randomUUID } from 'node:crypto'
import { open } from '../database.ts'
import { invalid, notFound } from '../huntred/http.ts'
import { Metrics } from '../metrics.ts'
import { serve } from '../service.ts'
import { counted, id, SCHEMA } from './domain.ts'
import { publish, read } from './events.ts'

// Onboarding: a registered partner gets a draft of a contract by itself; what happens to a contract
// is kept as its events.

const metrics = new Metrics()
const store = open('HEXABUILDERS_URL', SCHEMA, metrics)
counted(store, metrics, 'contracts_signed', "contracts where estado = 'SIGNED'")

const reader = read(
  store,
  metrics,
  'onboarding',
  'PartnerRegistrationCompleted',
  async (query, { partner_id }) => {
    const contract = randomUUID()
    await query(
      `insert into contracts values ($1, $2, 'STANDARD', 'DRAFT') on conflict (partner_id) do nothing`,
      [contract, partner_id],
    )
    await query(
      `insert into contract_events (aggregate_id, version, event_type, event_data)
       values ($1, 1, 'ContractDrafted', $2) on conflict do nothing`,
      [contract, JSON.stringify({ partner_id })],
    )
  },
  () => service.fault('eventMs'),
)

const service = serve({
  name: 'onboarding',
  version: 'green',
  metrics,
  faults: ['eventMs', 'integration'],
  stop: () => {
    reader.stop()
    return store.close()
  },
  routes: {
    'GET /contracts': async ({ query }) => ({
      body: {
        contracts: await store.query(
          'select id, tipo_contrato, estado from contracts where partner_id = $1',
          [id(query.get('partner'))],
        ),
      },
    }),
    /** Signing goes DRAFT, PENDING_SIGNATURE, SIGNED; who has signed may make campaigns. */
    'POST /contracts/:id': async ({ params, body }) => {
      const next = body['estado']
      const before = next === 'PENDING_SIGNATURE' ? 'DRAFT' : 'PENDING_SIGNATURE'
      if (next !== 'PENDING_SIGNATURE' && next !== 'SIGNED') throw invalid('estado: unknown')
      return store.transaction(async (query) => {
        const [contract] = await query<{ partner_id: string; estado: string }>(
          'select partner_id, estado from contracts where id = $1 for update',
          [id(params['id'])],
        )
        if (!contract) throw notFound(`contract ${params['id']} does not exist`)
        if (contract.estado !== before) throw invalid(`Contract must be in ${before} state`)
        await query('update contracts set estado = $2 where id = $1', [params['id'], next])
        await query(
          `insert into contract_events (aggregate_id, version, event_type, event_data)
           select $1, max(version) + 1, $2, '{}' from contract_events where aggregate_id = $1`,
          [params['id'], next === 'SIGNED' ? 'ContractSigned' : 'ContractSent'],
        )
        if (next === 'SIGNED') {
          await publish(query, 'ContractActivated', { partner_id: contract.partner_id })
        }
        return { body: { id: params['id'], estado: next } }
      })
    },
    'POST /consumers': () => ({ body: { consumers: reader.more() } }),
    'GET /integrations': () => ({ body: { well: true } }),
  },
})
