import { randomUUID } from 'node:crypto'
import { ask } from '../command.ts'
import { Metrics } from '../metrics.ts'
import { serve } from '../service.ts'

// Recruitment: jobs and candidates stand in the index server.

const metrics = new Metrics()
const index = process.env['ELASTICSEARCH']

const search = async (name: string, field: string, value: string | null) => {
  const { hits } = await ask<{ hits: { hits: { _source: object }[] } }>(
    `${index}/${name}/_search`,
    'POST',
    value === null ? {} : { query: { term: { [field]: value } } },
  )
  return hits.hits.map(({ _source }) => _source)
}

serve({
  name: 'recruitment',
  version: 'green',
  metrics,
  routes: {
    'GET /jobs': async ({ query }) => ({
      body: { jobs: await search('jobs', 'partner', query.get('partner')) },
    }),
    'POST /jobs': async ({ body }) => {
      const id = randomUUID()
      await ask(`${index}/jobs/_doc/${id}`, 'PUT', { ...body, id, status: 'open' })
      return { status: 201, body: { id } }
    },
    'GET /candidates': async ({ query }) => ({
      body: { candidates: await search('candidates', 'skills', query.get('skill')) },
    }),
    'GET /integrations': async () => {
      await ask(`${index}/`)
      return { body: { well: true } }
    },
  },
})
