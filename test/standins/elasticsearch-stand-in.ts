import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { listen } from './listen.ts'

type Source = Record<string, unknown>

/**
 * Stands in for an Elasticsearch server: indices with mappings, documents, and searches by a term,
 * in memory. It says in its root answer that it is none.
 */
export async function startIndexServer(port: number): Promise<{
  indices: Map<string, { mapping: unknown; documents: Map<string, Source> }>
  close: () => Promise<void>
}> {
  const indices = new Map<string, { mapping: unknown; documents: Map<string, Source> }>()
  const answer = (method: string, path: string, body: Source): [number, object] => {
    const [, name = '', kind, id = ''] = path.split('/')
    if (name === '') return [200, { tagline: 'a stand-in for Elasticsearch, for tests' }]
    const index = indices.get(name)
    if (kind === undefined && method === 'PUT') {
      if (index) return [400, { error: { type: 'resource_already_exists_exception' } }]
      indices.set(name, { mapping: body['mappings'], documents: new Map() })
      return [200, { acknowledged: true }]
    }
    if (!index) return [404, { error: { type: 'index_not_found_exception' } }]
    if (kind === '_doc' && method === 'PUT') {
      index.documents.set(id, body)
      return [201, { result: 'created' }]
    }
    if (kind !== '_search') return [405, { error: { type: 'not in this stand-in' } }]
    const term = Object.entries((body['query'] as { term?: Source } | undefined)?.term ?? {})[0]
    const fits = (source: Source) => !term || [source[term[0]]].flat().includes(term[1])
    const hits = [...index.documents.values()].filter(fits).map((_source) => ({ _source }))
    return [200, { hits: { total: { value: hits.length }, hits } }]
  }
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0] as string
    const method = request.method ?? 'GET'
    const reading = method === 'GET' ? Promise.resolve({}) : json(request).catch(() => ({}))
    void reading.then((body) => {
      const [status, told] = answer(method, path, body as Source)
      response.writeHead(status, { 'content-type': 'application/json' })
      response.end(JSON.stringify(told))
    })
  })
  return { indices, close: await listen(server, port) }
}
