import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a colour was sent. */
export interface Seen {
  method: string
  path: string
  headers: IncomingHttpHeaders
  body: string
}

/** A colour that remembers what it was sent and says its name; its answers are the test's. */
export class Echo {
  readonly name: string
  readonly seen: Seen[] = []
  status = 200
  healthy = true
  /** Takes what it is sent and never answers. */
  hangs = false
  headers: Record<string, string> = {}
  /** What it exports to Prometheus. */
  metrics = ''
  port = 0
  #server: Server | undefined
  constructor(name: string) {
    this.name = name
  }

  /** @param port default any, or the one it had before */
  async listen(): Promise<this> {
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (chunk) => {
        body += chunk
      })
      request.on('end', () => {
        const { method = '', url: path = '', headers } = request
        if (path === '/healthz') return response.writeHead(this.healthy ? 200 : 500).end()
        if (path.startsWith('/metrics')) return response.end(this.metrics)
        this.seen.push({ method, path, headers, body })
        if (this.hangs) return
        response.writeHead(this.status, { ...this.headers, 'x-name': this.name }).end(this.name)
      })
    })
    server.keepAliveTimeout = 60_000
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.#server = server
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Goes away as one that was killed; `listen` brings it back at the same port. */
  async close(): Promise<void> {
    const server = this.#server
    if (!server) return
    this.#server = undefined
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  }
}
