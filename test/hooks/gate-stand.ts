import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { judgeGate } from '../../hooks/gates/judge.ts'
import { localSurroundings } from '../../hooks/local-surroundings.ts'
import { Metrics } from '../../hooks/metrics.ts'
import { World } from '../../hooks/world.ts'
import { layoutOf } from '../../platforms/local/layout.ts'
import type { Journal } from '../../rollout/journal.ts'
import { parsePlan } from '../../rollout/parse-plan.ts'
import { allBlue, type ServiceWeights, split } from '../../rollout/weights.ts'

type Handler = (request: IncomingMessage, body: string, response: ServerResponse) => void

/** A real server on loopback. */
export class Site {
  readonly #server: Server
  asked: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[] = []
  private constructor(handler: Handler) {
    this.#server = createServer(async (request, response) => {
      const chunks: Uint8Array[] = []
      for await (const chunk of request) chunks.push(chunk)
      const body = Buffer.concat(chunks).toString('utf8')
      const { method = '', url = '', headers } = request
      this.asked.push({ method, url, headers, body })
      handler(request, body, response)
    })
  }

  static async start(handler: Handler = (_request, _body, response) => response.end('{}')) {
    const site = new Site(handler)
    site.#server.listen(0, '127.0.0.1')
    await once(site.#server, 'listening')
    return site
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(value))
}

/** A gate of a plan, in a home of its own, judged as the hook judges it. */
export class GateStand {
  readonly folder = mkdtempSync(join(tmpdir(), 'sluice-gates-'))
  readonly layout = layoutOf(join(this.folder, 'shop-production'))
  readonly around = localSurroundings(this.layout)
  readonly metrics = new Metrics()
  readonly stop = new AbortController()
  readonly world: World
  journal: Journal
  weights: ServiceWeights

  /** @param gates of the plan, as its file would say them; the first is judged */
  constructor(
    urls: { blue: string; green: string },
    gates: Record<string, Record<string, unknown>>,
    { plan: changes = {}, clock = 1 }: { plan?: Record<string, unknown>; clock?: number } = {},
  ) {
    const { plan, planHash } = parsePlan({
      name: 'shop',
      services: { api: { blue: { url: urls.blue }, green: { url: urls.green } } },
      steps: [{ weight: 25, gates: Object.keys(gates) }, 100],
      minimumRequests: 50,
      guardrails: { health: { check: '/healthz', then: 'rollback' } },
      gates,
      ...changes,
    })
    this.weights = Object.fromEntries(Object.keys(plan.services).map((name) => [name, split(25)]))
    this.world = new World({ plan, planHash, clock })
    this.journal = {
      plan,
      planHash,
      clock,
      verified: { position: 'api@25', at: new Date().toISOString() },
      weights: this.weights,
      attempt: 1,
      guardedMs: 60_000,
      green: {},
      baselines: {},
      verdicts: [],
      backups: [],
    }
  }

  judge(name = Object.keys(this.world.charge.plan.gates)[0] as string) {
    const gate = this.world.charge.plan.gates[name]
    if (!gate) throw new Error(`no gate ${name}`)
    return judgeGate(this, gate, this.journal, this.weights, this.stop.signal)
  }

  /** As at `start`: nobody is on green. */
  withoutTraffic(): this {
    this.weights = allBlue(Object.keys(this.world.charge.plan.services))
    return this
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name)
    writeFileSync(path, text)
    return path
  }

  remove(): void {
    this.stop.abort()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** What the tests of a file stand on, undone after each. */
export function ground() {
  const undone: (() => void)[] = []
  afterEach(() => {
    for (const undo of undone.splice(0)) undo()
  })
  return {
    async sites(blues?: Handler, greens?: Handler) {
      const [blue, green] = [await Site.start(blues), await Site.start(greens)]
      undone.push(
        () => blue.close(),
        () => green.close(),
      )
      return { blue, green, urls: { blue: blue.url, green: green.url } }
    },
    stand(...parts: ConstructorParameters<typeof GateStand>): GateStand {
      const made = new GateStand(...parts)
      undone.push(() => made.remove())
      return made
    },
  }
}
