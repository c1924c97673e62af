import { createSocket, type Socket } from 'node:dgram'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { Agent, createServer, request, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { haproxyConfig, type RouterOptions } from '../../../platforms/local/haproxy-config.ts'
import { type Layout, layoutOf, portsOf } from '../../../platforms/local/layout.ts'
import { HaproxyRouter } from '../../../platforms/local/router.ts'
import { applyRouter } from '../../../platforms/local/router-service.ts'
import { installService, stopAll, waitFor } from '../../../platforms/local/supervisor.ts'
import { type Plan, type PlanInput, planSchema } from '../../../rollout/plan.ts'
import { freePorts } from '../../e2e/free-ports.ts'

/** A home in a folder that PostgreSQL's user may pass through. */
export function temporaryHome(): Layout {
  const home = mkdtempSync(join(tmpdir(), 'sluice-local-'))
  chmodSync(home, 0o711)
  return layoutOf(home)
}

/** What stands at the hook's place: an answer to the guard's question, and an ear for the log. */
export class HookPlace {
  readonly lines: string[] = []
  checks = 0
  readonly #port: number
  #server: Server | undefined
  #log: Socket | undefined
  constructor(port: number) {
    this.#port = port
  }

  async listen(): Promise<void> {
    const log = createSocket('udp4')
    log.on('message', (message) => this.lines.push(message.toString('utf8')))
    await new Promise<void>((resolve) => log.bind(this.#port, '127.0.0.1', resolve))
    this.#log = log
    await this.answer()
  }

  async answer(): Promise<void> {
    const server = createServer((_request, response) => {
      this.checks += 1
      response.end('{}')
    })
    await new Promise<void>((resolve) => server.listen(this.#port, '127.0.0.1', resolve))
    this.#server = server
  }

  async silence(): Promise<void> {
    this.#server?.closeAllConnections()
    await new Promise((resolve) => this.#server?.close(resolve))
    this.#server = undefined
  }

  async close(): Promise<void> {
    if (this.#server) await this.silence()
    this.#log?.close()
  }
}

/** The real router, blue and green under the real supervisor, and something at the hook's place. */
export class Stand {
  readonly layout = temporaryHome()
  readonly router = new HaproxyRouter(this.layout)
  readonly agent = new Agent({ keepAlive: true, maxSockets: 8 })
  plan!: Plan
  hook!: HookPlace
  port = 0

  async start(): Promise<void> {
    this.port = await freePorts(5)
    this.plan = this.planAt(this.port + 4)
    this.hook = new HookPlace(portsOf(this.plan).hook)
    await this.hook.listen()
    await this.colour('blue', this.port + 3)
    await this.colour('green', this.port + 4)
    await this.apply()
    await waitFor(() => this.router.healthy('api', 'green'), {
      timeoutMs: 20_000,
      what: 'green to be healthy',
    })
  }

  /** The router alone, over colours that the test keeps itself. */
  async startWith(plan: (listen: string) => PlanInput): Promise<void> {
    this.port = await freePorts(3)
    this.plan = planSchema.parse(plan(`127.0.0.1:${this.port}`))
    this.hook = new HookPlace(portsOf(this.plan).hook)
    await this.hook.listen()
    await this.apply()
    await waitFor(
      async () => {
        const greens = Object.keys(this.plan.services).map((name) =>
          this.router.healthy(name, 'green'),
        )
        return (await Promise.all(greens)).every(Boolean)
      },
      { timeoutMs: 20_000, what: 'each green to be healthy' },
    )
  }

  planAt(green: number): Plan {
    const input: PlanInput = {
      name: 'stand',
      steps: [5, 25, 50, 100],
      local: { listen: `127.0.0.1:${this.port}` },
      services: {
        api: {
          blue: { url: `http://127.0.0.1:${this.port + 3}` },
          green: { url: `http://127.0.0.1:${green}` },
          affinity: { header: 'x-user-id', cookie: 'uid' },
        },
      },
    }
    return planSchema.parse(input)
  }

  async colour(name: string, port: number): Promise<void> {
    await installService(this.layout, `api-${name}`, {
      command: [process.execPath, join(import.meta.dirname, 'colour-server.ts'), name, `${port}`],
      environment: {},
      cwd: this.layout.home,
    })
  }

  async apply(options: RouterOptions = {}, plan = this.plan): Promise<void> {
    const config = haproxyConfig(plan, this.layout, portsOf(plan), options)
    await applyRouter(this.layout, config, Object.keys(plan.services))
  }

  async weigh(green: number): Promise<void> {
    await this.router.write({ api: { blue: 100 - green, green } })
  }

  async stop(): Promise<void> {
    this.agent.destroy()
    await stopAll(this.layout)
    await this.hook?.close()
    rmSync(this.layout.home, { recursive: true, force: true })
  }
}

export interface Answer {
  status: number
  colour: string
  body: string
}

/** One request, on a connection of its own where no agent is given; status 0, and why, where none came back. */
export function ask(
  port: number,
  options: { agent?: Agent; path?: string; headers?: Record<string, string> } = {},
): Promise<Answer> {
  const { agent, path = '/', headers = {} } = options
  return new Promise((resolve) => {
    const none = (error: Error) => resolve({ status: 0, colour: '', body: error.message })
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        path,
        agent: agent ?? false,
        headers: { 'x-sluice-debug': '1', ...headers },
      },
      (response) => {
        let body = ''
        response.on('data', (chunk) => {
          body += chunk
        })
        response.on('error', none)
        response.on('end', () => {
          const colour = String(response.headers['x-sluice-color'] ?? '')
          resolve({ status: response.statusCode ?? 0, colour, body })
        })
      },
    )
    sent.on('error', none)
    sent.end()
  })
}

/** Asks for each of some users, eight at a time over kept connections. */
export async function askFor(
  port: number,
  users: readonly (string | undefined)[],
): Promise<Answer[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const answers: Answer[] = []
  let next = 0
  const worker = async () => {
    for (let index = next++; index < users.length; index = next++) {
      const user = users[index]
      answers[index] = await ask(port, { agent, headers: user ? { 'x-user-id': user } : {} })
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
  agent.destroy()
  return answers
}

/** Steady requests of everybody until it is told to end. */
export function load(port: number): { answers: Answer[]; end(): Promise<Answer[]> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const answers: Answer[] = []
  let going = true
  const worker = async () => {
    while (going) answers.push(await ask(port, { agent }))
  }
  const workers = Array.from({ length: 8 }, worker)
  return {
    answers,
    async end() {
      going = false
      await Promise.all(workers)
      agent.destroy()
      return answers
    },
  }
}

/** Waits until a load has had that many more answers. */
export function more(running: { answers: Answer[] }, count: number): Promise<boolean> {
  const enough = running.answers.length + count
  return waitFor(() => running.answers.length >= enough, {
    timeoutMs: 60_000,
    what: `${count} more answers`,
  })
}
