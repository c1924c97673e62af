import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { leastWorkMs } from '../work.ts'
import { answerApi } from './api.ts'
import type { Message, Recruiting } from './contract.ts'
import { connect, type Database, Unavailable } from './data.ts'
import { corrupt, drawFate, noFaults, parseFaults } from './faults.ts'
import { invalid, notFound, Refusal, readJson, refuse, send } from './http.ts'
import { parseListing } from './input.ts'
import { dashboard, sendPage } from './page.ts'

/** A message as it went out; `replay` where a comparison caused it. */
type Sent = Message & { replay?: string }

/** Ids that a database of its own gives begin here, so that two that are kept alike never meet. */
const FROM = 1_000_000_000

/**
 * Serves one generation on 127.0.0.1:PORT over the database HUNTRED_URL, until TERM or INT.
 * PORT 0 takes any free port; the line printed at the start says which.
 * @param own a database of its own, where this variable has one: ids that it gives lie apart
 */
export const serve = (version: string, build: (database: Database) => Recruiting, own?: string) => {
  const apart = own === undefined ? undefined : process.env[own]
  const url = apart ?? process.env['HUNTRED_URL']
  const port = Number(process.env['PORT'] ?? NaN)
  if (!url || !Number.isInteger(port)) {
    console.error(`${version}: give HUNTRED_URL (postgres://…) and PORT in the environment`)
    process.exit(2)
  }
  const database = connect(url, apart === undefined ? undefined : FROM)
  const sent: Sent[] = []
  const system = build(database)
  const rehearsing = process.env['EXAMPLE_FAULTS'] === '1'
  let faults = noFaults
  const working = new Set<ServerResponse>()
  let stopping = false

  // Node closes idle connections by itself, but not those that never carried a request.
  const done = (response: ServerResponse) => {
    working.delete(response)
    if (stopping && working.size === 0) server.closeAllConnections()
  }

  const answerFaults = async (request: IncomingMessage, response: ServerResponse) => {
    if (request.method === 'PUT') {
      const wanted = parseFaults(await readJson(request))
      if (typeof wanted === 'string') throw invalid(wanted)
      faults = wanted
    } else if (request.method === 'DELETE') {
      faults = noFaults
    } else if (request.method !== 'GET') {
      throw new Refusal(405, 'method', '/faults: give GET, PUT or DELETE')
    }
    send(response, 200, faults)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    response.setHeader('x-version', version)
    const target = URL.parse(request.url ?? '', 'http://127.0.0.1')
    if (!target) throw invalid('path: not a path')
    if (target.pathname === '/healthz') {
      // 200 without the database: a colour that is taken out for a database that both colours share
      // would leave nobody to answer
      const state = database.up() ? 'up' : 'down'
      return send(response, 200, { status: 'ok', service: 'up', database: state, version })
    }
    if (target.pathname === '/faults' && rehearsing) return answerFaults(request, response)
    // What was sent out by mail and chat is recorded here, and goes nowhere else.
    if (target.pathname === '/outbox') return send(response, 200, sent)
    if (target.pathname === '/dashboard/') {
      const page = await system.list({ ...parseListing(target.searchParams), size: 10 })
      return sendPage(response, dashboard(page))
    }
    if (!target.pathname.startsWith('/api/')) {
      throw notFound(`${target.pathname} does not exist`)
    }
    const fate = drawFate(faults)
    if (fate.hang) return done(response)
    const delayMs = fate.delayMs + leastWorkMs
    if (delayMs > 0) await sleep(delayMs)
    if (fate.error) throw new Refusal(500, 'internal', 'a fault of the rehearsal')
    const { status = 200, body } = await answerApi(system, request, target)
    const told = fate.wrong ? corrupt(body) : body
    if ('channel' in told) {
      const replay = request.headers['x-sluice-replay']
      sent.push({ ...told, ...(replay === undefined ? {} : { replay: String(replay) }) } as Sent)
      if (sent.length > 1_000) sent.shift()
    }
    send(response, status, { ...told, servedAt: new Date().toISOString() })
  }

  const server = createServer((request, response) => {
    working.add(response)
    response.once('close', () => done(response))
    answer(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return response.destroy()
      if (error instanceof Refusal) return refuse(response, error)
      if (error instanceof Unavailable) {
        return refuse(response, new Refusal(503, 'unavailable', error.message))
      }
      console.error(error)
      refuse(response, new Refusal(500, 'internal', 'the service failed'))
    })
  })
  // A router reuses idle connections; the side that may close one first must be the router.
  server.keepAliveTimeout = 600_000
  server.listen(port, '127.0.0.1', () => {
    const { address, port } = server.address() as AddressInfo
    console.log(`huntred ${version} listens on http://${address}:${port}`)
  })

  // What is being answered is answered; what hangs would never be, and is cut.
  const stop = () => {
    stopping = true
    server.close(() => void database.close().finally(() => process.exit(0)))
    if (working.size === 0) server.closeAllConnections()
    setTimeout(() => process.exit(0), 5000).unref()
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}
