import { createServer, type Server } from 'node:http'
import { listen } from './listen.ts'

/**
 * Stands in for the systems that a migration depends on and does not move: each path is one of
 * them. They are well until `ill` names them. It is no Redis and no Firestore.
 */
export async function startOutside(
  port: number,
): Promise<{ ill: Set<string>; close: () => Promise<void> }> {
  const ill = new Set<string>()
  const server: Server = createServer((request, response) => {
    const name = (request.url ?? '/').slice(1)
    response.writeHead(ill.has(name) ? 503 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify({ standIn: true, name, well: !ill.has(name) }))
  })
  return { ill, close: await listen(server, port) }
}
