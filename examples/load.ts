import { Agent, type IncomingMessage, request } from 'node:http'
import { performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'
import { createRecord, type LoadStats } from './load-record.ts'

export type { LoadFailure, LoadSecond, LoadStats, VersionStats } from './load-record.ts'

export type LoadPath =
  | string
  | { path: string; method?: string; headers?: Record<string, string>; body?: string }

/** One request's outcome. */
export type Answer = {
  /** performance.now() when the last byte came, or the failure was known. */
  at: number
  /** The answer's x-version; 'none' without that header or without an answer. */
  version: string
  /** 0 where no complete answer came. */
  status: number
  /** Milliseconds since the request was sent, waiting for a connection included. */
  ms: number
  user: string
  /** Why it counts as failed. */
  reason?: string
}

export type LoadOptions = {
  /** http:// on loopback. */
  url: string
  /** Requests a second, sent whether or not earlier ones were answered. */
  rate: number
  /** Connections at most; further requests wait for one. Default 32. */
  connections?: number
  /** How many different x-user-id there are. Default 1000. */
  users?: number
  seconds: number
  /** Sent in turn. Default `/`. */
  paths?: LoadPath[]
  /** Milliseconds after which a request without a complete answer has failed. Default 5000. */
  timeoutMs?: number
  /** Most requests sent, whatever the seconds. Default a million. */
  maximumRequests?: number
  onAnswer?: (answer: Answer) => void
}

export type Load = {
  stats(): LoadStats
  /** Sends no more, waits for what is in flight, and gives the final numbers. */
  stop(): Promise<LoadStats>
  /** The final numbers, when the seconds are over or stop() has drained. */
  done: Promise<LoadStats>
}

const loopback = /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/

const check = ({ url, rate, seconds, connections = 1, users = 1, paths = ['/'] }: LoadOptions) => {
  const target = URL.parse(url)
  if (target?.protocol !== 'http:' || !loopback.test(target.hostname)) {
    throw new Error(`load.url: ${url} is not http:// on loopback`)
  }
  for (const [name, value] of Object.entries({ rate, seconds, connections, users })) {
    if (!(value > 0 && value < 1e6)) {
      throw new Error(`load.${name}: ${value} is not above 0 and below a million`)
    }
  }
  if (paths.length === 0) throw new Error('load.paths: empty; give at least one')
  return target
}

const toRequest = (path: LoadPath) => {
  const { path: where, method, headers = {}, body } = typeof path === 'string' ? { path } : path
  const length = body === undefined ? {} : { 'content-length': `${Buffer.byteLength(body)}` }
  return {
    path: where,
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    headers: { ...length, ...headers },
    body,
  }
}

// Spreads users over request numbers, so that no user is bound to one of the paths.
const scatter = (n: number) => {
  let x = Math.imul(n + 1, 0x9e3779b1)
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  return (x ^ (x >>> 13)) >>> 0
}

/**
 * Sends requests at a constant rate (an open loop: slow answers do not slow it down) until
 * `seconds` are over. Nothing is sent twice: whatever a user would have seen counts.
 */
export const startLoad = (options: LoadOptions): Load => {
  const target = check(options)
  const { rate, seconds, connections = 32, users = 1000, timeoutMs = 5000 } = options
  const requests = (options.paths ?? ['/']).map(toRequest)
  const most = Math.min(options.maximumRequests ?? 1_000_000, Math.round(rate * seconds))
  // Idle sockets are used in turn, and one that the server ends is dropped when the end is seen.
  const agent = new Agent({
    keepAlive: true,
    maxSockets: connections,
    maxFreeSockets: connections,
    scheduling: 'fifo',
  })
  const base = { agent, host: target.hostname.replace(/^\[|\]$/g, ''), port: target.port || 80 }
  const begin = performance.now()
  const record = createRecord(begin)
  const { promise: done, resolve: finish } = Promise.withResolvers<LoadStats>()
  let sent = 0
  let inFlight = 0
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const settle = () => {
    if (!stopped || inFlight > 0) return
    agent.destroy()
    finish(record.stats())
  }

  const end = () => {
    stopped = true
    clearTimeout(timer)
    settle()
  }

  const sendOne = () => {
    const { path, method, headers, body } = requests[sent % requests.length]!
    const user = `user-${scatter(sent) % users}`
    const from = performance.now()
    sent += 1
    inFlight += 1
    record.sent(from)
    let over = false
    const conclude = (version: string, status: number, failure?: string) => {
      if (over) return
      over = true
      clearTimeout(limit)
      inFlight -= 1
      const at = performance.now()
      const reason = failure ?? (status >= 500 ? `status ${status}` : undefined)
      const answer: Answer = { at, version, status, ms: at - from, user, ...(reason && { reason }) }
      record.answer(answer)
      options.onAnswer?.(answer)
      settle()
    }
    const outgoing = request({ ...base, path, method, headers: { ...headers, 'x-user-id': user } })
    const limit = setTimeout(() => {
      conclude('none', 0, `no answer in ${timeoutMs} ms`)
      outgoing.destroy()
    }, timeoutMs)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      const where = outgoing.reusedSocket ? ' on a reused connection' : ''
      conclude('none', 0, `${error.code ?? error.message}${where}`)
    })
    outgoing.on('response', (incoming: IncomingMessage) => {
      const version = String(incoming.headers['x-version'] ?? 'none')
      incoming.on('end', () => conclude(version, incoming.statusCode ?? 0))
      incoming.on('error', (error: NodeJS.ErrnoException) => {
        conclude('none', 0, `${error.code ?? error.message} within the answer`)
      })
      incoming.resume()
    })
    outgoing.end(body)
  }

  const tick = () => {
    // what a late timer missed is sent at once, so that the rate holds over time
    const due = Math.min(most, Math.floor(((performance.now() - begin) / 1000) * rate) + 1)
    while (sent < due && !stopped) sendOne()
    if (stopped) return
    if (sent >= most) return end()
    const next = begin + (sent / rate) * 1000
    timer = setTimeout(tick, Math.max(0, next - performance.now()))
  }
  tick()

  return {
    stats: () => record.stats(),
    stop() {
      if (!stopped) end()
      return done
    },
    done,
  }
}

const main = async () => {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      rate: { type: 'string', default: '200' },
      seconds: { type: 'string', default: '30' },
      connections: { type: 'string', default: '32' },
      users: { type: 'string', default: '1000' },
      path: { type: 'string', multiple: true, default: ['/'] },
    },
  })
  if (!values.url) throw new Error('load.url: nothing given; try --url http://127.0.0.1:8380')
  const load = startLoad({
    url: values.url,
    rate: Number(values.rate),
    seconds: Number(values.seconds),
    connections: Number(values.connections),
    users: Number(values.users),
    paths: values.path,
  })
  const line = setInterval(() => {
    const last = load.stats().series.at(-2)
    if (!last) return
    const versions = Object.entries(last.versions).map(
      ([version, { answered, p95 }]) => `${version} ${answered} (p95 ${p95} ms)`,
    )
    console.log(
      `${last.second} s: sent ${last.sent}, failed ${last.failed}, ${versions.join(', ')}`,
    )
  }, 1000)
  process.once('SIGINT', () => void load.stop())
  process.once('SIGTERM', () => void load.stop())
  const stats = await load.done
  clearInterval(line)
  console.log(JSON.stringify(stats, null, 2))
}

if (import.meta.main) {
  await main().catch((error: Error) => {
    console.error(error.message)
    process.exitCode = 2
  })
}
