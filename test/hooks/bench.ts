import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FileStore, readEvents } from '../../platforms/local/file-store.ts'
import { haproxyConfig } from '../../platforms/local/haproxy-config.ts'
import { type Layout, layoutOf, portsOf } from '../../platforms/local/layout.ts'
import { HaproxyRouter } from '../../platforms/local/router.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import type { Plan } from '../../rollout/plan.ts'
import { findProgram } from '../../tools/programs.ts'
import { freePorts } from '../e2e/free-ports.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TOKEN = 'a-token-of-the-test'
const ALERTS_TOKEN = 'another-token-of-the-test'

/** Waits until a condition holds, and fails naming it. */
export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false> | T | undefined | false,
  timeoutMs = 60_000,
): Promise<T> {
  const end = Date.now() + timeoutMs
  let last: unknown
  for (;;) {
    try {
      const found = await look()
      if (found) return found
    } catch (error) {
      last = error
    }
    if (Date.now() > end) throw new Error(`waited in vain for ${what}${last ? `: ${last}` : ''}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** One colour: a real server whose answers the test decides. */
export class Upstream {
  status = 200
  delayMs = 0
  readonly server: Server = createServer((incoming, response) => {
    const health = incoming.url === '/healthz'
    setTimeout(
      () => {
        response.statusCode = health && this.healthy ? 200 : this.status
        response.end('{}')
      },
      health ? 0 : this.delayMs,
    )
  })
  healthy = true

  async listen(): Promise<number> {
    this.server.keepAliveTimeout = 60_000
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return (this.server.address() as AddressInfo).port
  }

  close(): void {
    this.server.closeAllConnections()
    this.server.close()
  }
}

/** A home with a real router, two real upstreams and the real daemon, and nothing else. */
export class Bench {
  readonly layout: Layout
  readonly blue: Upstream
  readonly green: Upstream
  plan: Plan
  planHash: string
  readonly clock: number
  readonly router: HaproxyRouter
  readonly environment: Record<string, string>
  hook: ChildProcess | undefined
  output = ''
  #haproxy: ChildProcess | undefined
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })

  private constructor(
    home: string,
    colours: [Upstream, Upstream],
    parsed: { plan: Plan; planHash: string },
    clock: number,
    environment: Record<string, string>,
  ) {
    this.layout = layoutOf(home)
    ;[this.blue, this.green] = colours
    this.plan = parsed.plan
    this.planHash = parsed.planHash
    this.clock = clock
    this.environment = environment
    this.router = new HaproxyRouter(this.layout)
  }

  /** @param changes of the plan: `guardrails`, `steps` and so on */
  static async start(
    changes: Record<string, unknown> = {},
    { clock = 1, environment = {} }: { clock?: number; environment?: Record<string, string> } = {},
  ): Promise<Bench> {
    const home = mkdtempSync(join(tmpdir(), 'slh-'))
    const colours: [Upstream, Upstream] = [new Upstream(), new Upstream()]
    const [blue, green] = [await colours[0].listen(), await colours[1].listen()]
    const parsed = parsePlan({
      name: 'bench',
      services: {
        api: {
          blue: { url: `http://127.0.0.1:${blue}` },
          green: { url: `http://127.0.0.1:${green}` },
        },
      },
      steps: [25, 50, 100],
      bake: '1s',
      start: { bake: '0s' },
      minimumRequests: 1,
      guardrails: { health: { check: '/healthz', every: '1s', then: 'rollback' } },
      local: { listen: `127.0.0.1:${await freePorts(3)}` },
      ...changes,
    })
    const bench = new Bench(home, colours, parsed, clock, environment)
    bench.#writeHome()
    await bench.startRouter()
    await bench.startHook()
    return bench
  }

  #writeHome(): void {
    const { hook, haproxy } = this.layout
    mkdirSync(dirname(hook.plan), { recursive: true })
    mkdirSync(dirname(haproxy.config), { recursive: true })
    writeFileSync(hook.token, `${TOKEN}\n`, { mode: 0o600 })
    writeFileSync(hook.alertsToken, `${ALERTS_TOKEN}\n`, { mode: 0o600 })
    writeFileSync(hook.plan, JSON.stringify(this.charge))
    writeFileSync(haproxy.map, 'api 0\n')
    writeFileSync(haproxy.config, haproxyConfig(this.plan, this.layout, portsOf(this.plan)))
  }

  get charge() {
    return { plan: this.plan, planHash: this.planHash, clock: this.clock }
  }

  get hookPort(): number {
    return portsOf(this.plan).hook
  }

  async startRouter(): Promise<void> {
    this.#haproxy = spawn(findProgram('haproxy'), ['-db', '-f', this.layout.haproxy.config], {
      stdio: ['ignore', 'inherit', 'ignore'],
    })
    await until('the router', async () => Object.keys(await this.router.read()).length > 0)
    await until('both colours', async () => {
      const up = await Promise.all(
        (['blue', 'green'] as const).map((c) => this.router.healthy('api', c)),
      )
      return up.every(Boolean)
    })
  }

  async startHook(): Promise<void> {
    const hook = spawn(process.execPath, ['hooks/daemon.ts', this.layout.home], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.environment },
    })
    const keep = (chunk: Buffer) => {
      this.output += chunk
    }
    hook.stdout.on('data', keep)
    hook.stderr.on('data', keep)
    this.hook = hook
    await until(`the hook (it said ${this.output})`, async () => {
      const response = await fetch(`http://127.0.0.1:${this.hookPort}/healthz`)
      return response.ok && this.router.guardUp()
    })
  }

  async killHook(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const { hook } = this
    if (!hook || hook.exitCode !== null || hook.signalCode !== null) return
    const gone = once(hook, 'exit')
    hook.kill(signal)
    await gone
  }

  async stop(): Promise<void> {
    this.hook?.kill('SIGCONT')
    await this.killHook()
    const haproxy = this.#haproxy
    if (haproxy && haproxy.exitCode === null) {
      const gone = once(haproxy, 'exit')
      haproxy.kill('SIGKILL')
      await gone
    }
    this.#agent.destroy()
    this.blue.close()
    this.green.close()
    rmSync(this.layout.home, { recursive: true, force: true })
  }

  /** Asks the API. */
  async api(method: string, path: string, body?: unknown, token = TOKEN) {
    const response = await fetch(`http://127.0.0.1:${this.hookPort}${path}`, {
      method,
      headers: {
        connection: 'close',
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        'content-type': 'application/json',
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    })
    const text = await response.text()
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it knows to be there
    return { status: response.status, body: text.startsWith('<') ? text : (safeJson(text) as any) }
  }

  async alert(labels: Record<string, string>, more: object = {}, token = ALERTS_TOKEN) {
    const annotations = { value: '12%', threshold: '5%' }
    const startsAt = new Date().toISOString()
    return this.api(
      'POST',
      '/api/v2/alerts',
      [{ labels, annotations, startsAt, generatorURL: '', ...more }],
      token,
    )
  }

  request(position: string, attempt = 1) {
    return { ...this.charge, position, attempt, confirmed: [] }
  }

  /** Admits, sets and verifies a position, as an update does. */
  async move(position: string, green: number, attempt = 1, lastAttempt?: number): Promise<void> {
    const request = this.request(position, attempt)
    for (const [method, path, body] of [
      ['POST', '/v1/admit', { request, lastAttempt }],
      ['PUT', '/v1/weights/api', { blue: 100 - green, green }],
      ['POST', '/v1/verify', { request }],
    ] as const) {
      const answer = await this.api(method, path, body)
      if (answer.status !== 200) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
    }
  }

  /** Deploys, and takes the first step. */
  async toFirstStep(): Promise<void> {
    await this.move('start', 0)
    await until('the first step', async () => {
      await this.move('api@25', 25, 1, 1)
      return true
    })
  }

  greenNow = async (): Promise<number> => (await this.router.read())['api']?.green ?? 0
  latch = () => new FileStore(this.layout).readLatch()
  journal = () => new FileStore(this.layout).readJournal()
  events = () => readEvents(this.layout, 1_000)

  /** Sends requests through the router, several at a time, until it is told to end. */
  load(perSecond = 400): { stop(): Promise<Record<string, number>> } {
    const seen: Record<string, number> = {}
    const pending = new Set<Promise<void>>()
    const timer = setInterval(() => {
      for (let i = 0; i < perSecond / 50; i++) {
        const one = this.send().then((status) => {
          seen[status] = (seen[status] ?? 0) + 1
          pending.delete(one)
        })
        pending.add(one)
      }
    }, 20)
    return {
      stop: async () => {
        clearInterval(timer)
        await Promise.all(pending)
        return seen
      },
    }
  }

  send(): Promise<number> {
    return new Promise((resolve) => {
      request(
        { port: portsOf(this.plan).listen.port, host: '127.0.0.1', agent: this.#agent, path: '/' },
        (response) => {
          response.resume()
          response.on('end', () => resolve(response.statusCode ?? 0))
          response.on('error', () => resolve(0))
        },
      )
        .on('error', () => resolve(0))
        .end()
    })
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
