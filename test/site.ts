import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What a site was asked, with its whole body. */
export interface Asked {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}

export type Answer = (asked: Asked, response: ServerResponse) => void

/**
 * A real server on loopback, on a free port, that remembers what it was asked.
 * @example
 * const site = await Site.open(({ url }, response) => json(response, { url }))
 * await fetch(`${site.url}/price`)
 * expect(site.asked).toHaveLength(1)
 * await site.close()
 */
export class Site {
  readonly asked: Asked[] = []
  readonly server: Server

  private constructor(answer: Answer) {
    this.server = createServer(async (request, response) => {
      const { method = '', url = '', headers } = request
      const asked = { method, url, headers, body: await text(request) }
      this.asked.push(asked)
      answer(asked, response)
    })
    // Longer than any test keeps a client waiting between two requests.
    this.server.keepAliveTimeout = 60_000
  }

  /** @param answer may leave a request without one; default `{}` */
  static async open(answer: Answer = (_asked, response) => response.end('{}')): Promise<Site> {
    const site = new Site(answer)
    site.server.listen(0, '127.0.0.1')
    await once(site.server, 'listening')
    return site
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  /** Also what is being answered ends. */
  async close(): Promise<void> {
    if (!this.server.listening) return
    const closed = once(this.server, 'close')
    this.server.close()
    this.server.closeAllConnections()
    await closed
  }
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}
