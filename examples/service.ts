import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { md5Bucket } from './buckets.ts'
import { readFlags } from './flags.ts'
import { drawFate, type Faults, noFaults, parseFaults } from './huntred/faults.ts'
import { invalid, notFound, Refusal, readJson, refuse, send } from './huntred/http.ts'
import { Metrics } from './metrics.ts'
import { leastWorkMs } from './work.ts'

/** What a handler is asked. */
export interface Asked {
  method: string
  path: string
  /** The parts of the path that the route names with a colon. */
  params: Record<string, string>
  query: URLSearchParams
  headers: IncomingMessage['headers']
  body: Record<string, unknown>
  /** 0 to 99, as the router and every service count it: eight hex digits of the user's MD5. */
  bucket: number
  /** True where a flag is on for this user, read live from the flag file. */
  flag: (name: string) => boolean
  /** The colour that is asked for past the router, as comparisons do; undefined for users. */
  colour?: string
}

/** What a handler answers; `body` is sent as JSON with `servedAt` added. */
export interface Told {
  status?: number
  body: object
  headers?: Record<string, string>
}

/** `GET /partners/:id`, with what answers it. */
export type Routes = Record<string, (asked: Asked) => Told | Promise<Told>>

export interface ServiceOptions {
  name: string
  /** Sent as x-version. */
  version: string
  routes: Routes
  metrics?: Metrics
  /** Names of further faults, 0 to a million each, that the service reads itself. */
  faults?: string[]
  /** Run when it is told to stop. */
  stop?: () => Promise<void>
}

export interface Service {
  metrics: Metrics
  /** What a further fault is set to now; 0 without one. */
  fault: (name: string) => number
}

/**
 * Serves a service of an example on 127.0.0.1:PORT until TERM or INT: /healthz, /metrics, and its
 * routes. With EXAMPLE_FAULTS=1, PUT and DELETE /faults make it misbehave.
 */
export function serve(options: ServiceOptions): Service {
  const { name, version } = options
  const metrics = options.metrics ?? new Metrics()
  const routes = Object.entries(options.routes).map(([text, handle]) => ({
    handle,
    ...compile(text),
  }))
  const rehearsing = process.env['EXAMPLE_FAULTS'] === '1'
  let faults: Faults = noFaults
  let further: Record<string, number> = {}
  const service: Service = { metrics, fault: (wanted) => further[wanted] ?? 0 }

  const takeFaults = async (request: IncomingMessage) => {
    const all = request.method === 'PUT' ? await readJson(request) : {}
    const own = Object.entries(all).filter(([key]) => options.faults?.includes(key))
    if (own.some(([, value]) => typeof value !== 'number')) throw invalid('faults: give numbers')
    const wanted = parseFaults(
      Object.fromEntries(
        Object.entries(all).filter(([key]) => !own.some(([mine]) => mine === key)),
      ),
    )
    if (typeof wanted === 'string') throw invalid(wanted)
    faults = wanted
    further = Object.fromEntries(own) as Record<string, number>
    return { body: { ...faults, ...further } }
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const target = URL.parse(request.url ?? '', 'http://127.0.0.1')
    if (!target) throw invalid('path: not a path')
    response.setHeader('x-version', version)
    const { pathname } = target
    if (pathname === '/healthz')
      return send(response, 200, { status: 'ok', service: name, version })
    if (pathname === '/metrics') {
      response.writeHead(200, { 'content-type': 'text/plain; version=0.0.4' })
      return response.end(metrics.text())
    }
    if (pathname === '/faults' && rehearsing)
      return send(response, 200, (await takeFaults(request)).body)
    const category = /^\/health\/(\w+)$/.exec(pathname)?.[1]
    if (category) {
      if (service.fault(category) > 0) throw new Refusal(503, 'unhealthy', `${category} is ill`)
      return send(response, 200, { status: 'ok', category })
    }
    const method = request.method ?? 'GET'
    const found = routes.find((route) => route.method === method && route.pattern.test(pathname))
    if (!found) throw notFound(`${method} ${pathname} does not exist`)
    const fate = drawFate(faults)
    if (fate.hang) return
    const delayMs = fate.delayMs + leastWorkMs
    if (delayMs > 0) await sleep(delayMs)
    if (fate.error) throw new Refusal(500, 'internal', 'a fault of the rehearsal')
    const bucket = bucketOf(request)
    const {
      status = 200,
      body,
      headers,
    } = await found.handle({
      method,
      path: pathname,
      params: found.pattern.exec(pathname)?.groups ?? {},
      query: target.searchParams,
      headers: request.headers,
      body: method === 'GET' || method === 'DELETE' ? {} : await readJson(request),
      bucket,
      flag: (flag) => readFlags()(flag, { bucket }),
      colour:
        request.headers['x-sluice-bucket'] === undefined && request.headers['x-sluice-replay']
          ? String(request.headers['x-sluice-color'])
          : undefined,
    })
    send(response, status, { ...body, servedAt: new Date().toISOString() }, headers)
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return response.destroy()
      if (error instanceof Refusal) return refuse(response, error)
      console.error(`ERROR ${(error as Error).name}: ${(error as Error).message}`)
      refuse(response, new Refusal(503, 'unavailable', 'the service cannot answer now'))
    })
  })
  // A router reuses idle connections; the side that may close one first must be the router.
  server.keepAliveTimeout = 600_000
  server.listen(Number(process.env['PORT']), '127.0.0.1', () => {
    const address = server.address()
    const port = typeof address === 'object' ? address?.port : ''
    console.log(`${name} ${version} listens on http://127.0.0.1:${port}`)
  })
  const stop = () => {
    server.close(() => void (options.stop?.() ?? Promise.resolve()).finally(() => process.exit(0)))
    server.closeIdleConnections()
    setTimeout(() => process.exit(0), 3_000).unref()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  return service
}

/** The router's bucket where it sent one, else that of the user's id. */
function bucketOf({ headers }: IncomingMessage): number {
  const given = Number(headers['x-sluice-bucket'] ?? Number.NaN)
  if (Number.isInteger(given) && given >= 0 && given < 100) return given
  return md5Bucket(String(headers['x-user-id'] ?? ''))
}

function compile(text: string): { method: string; pattern: RegExp } {
  const [method = '', path = ''] = text.split(' ')
  const pattern = path.replace(/:(\w+)/g, (_, key: string) => `(?<${key}>[^/]+)`)
  return { method, pattern: new RegExp(`^${pattern}/?$`) }
}
