import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** Somebody who is told by a webhook: the texts of what came. */
export interface Pager {
  url: string
  told: string[]
  close(): Promise<void>
}

export async function startPager(): Promise<Pager> {
  const told: string[] = []
  const server = createServer(async (request, response) => {
    told.push(await text(request))
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/pager`,
    told,
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
