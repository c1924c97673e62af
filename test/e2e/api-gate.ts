import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer, request as requestHttp, type Server } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { kubeconfigAccess } from '../../platforms/kubernetes/kubeconfig.ts'

/** What the API server said to a request that was held. */
export interface Answer {
  status: number
  body: string
}

/** One request that is held before it comes to the API server. */
export interface Held {
  /** Resolves when it has come. */
  arrived: Promise<void>
  /** Lets it through. */
  release(): void
  /** What came of it. */
  answer: Promise<Answer>
}

interface Hold {
  isMeant(method: string, url: URL): boolean
  taken?: true
  arrived: PromiseWithResolvers<void>
  released: PromiseWithResolvers<void>
  answer: PromiseWithResolvers<Answer>
}

/**
 * Stands between the engine and the API server, so that a test decides when a write of the engine
 * lands. Everything else goes through as it is. Whoever connects is who the kubeconfig is; it listens
 * on loopback only, for as long as a test runs.
 */
export class ApiGate {
  /** A kubeconfig that leads through it. */
  readonly kubeconfig: string
  readonly #server: Server
  readonly #holds: Hold[] = []

  private constructor(server: Server, file: string) {
    this.#server = server
    this.kubeconfig = file
  }

  /** @param folder where its own kubeconfig is written */
  static async open(kubeconfig: string, file: string): Promise<ApiGate> {
    const access = kubeconfigAccess(undefined, kubeconfig)
    const server = createServer()
    const gate = new ApiGate(server, file)
    server.on('request', async (asked, answer) => {
      const url = new URL(asked.url ?? '/', access.server)
      const body = await buffer(asked)
      const told = await gate.#heldUp(asked.method ?? 'GET', url)
      const { headers: own, ...options } = await access.options()
      const { host: _host, authorization: _authorization, ...headers } = asked.headers
      const send = url.protocol === 'https:' ? requestHttps : requestHttp
      const passed = send(
        url,
        { ...options, method: asked.method, headers: { ...headers, ...(own as object) } },
        async (response) => {
          answer.writeHead(response.statusCode ?? 502, response.headers)
          if (!told) return response.pipe(answer)
          const whole = await buffer(response)
          told({ status: response.statusCode ?? 502, body: whole.toString() })
          return answer.end(whole)
        },
      )
      passed.once('error', () => answer.destroy())
      passed.end(body)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const entry = (kind: object) => [{ name: 'gate', ...kind }]
    const config = {
      apiVersion: 'v1',
      kind: 'Config',
      // Plain HTTP on loopback: there is no certificate to look at.
      clusters: entry({
        cluster: { server: `http://127.0.0.1:${port}`, 'insecure-skip-tls-verify': true },
      }),
      users: entry({ user: {} }),
      contexts: entry({ context: { cluster: 'gate', user: 'gate' } }),
      'current-context': 'gate',
    }
    writeFileSync(file, JSON.stringify(config), { mode: 0o600 })
    return gate
  }

  /** Holds the next request that is meant, and only that one. */
  hold(isMeant: Hold['isMeant']): Held {
    const hold: Hold = {
      isMeant,
      arrived: Promise.withResolvers(),
      released: Promise.withResolvers(),
      answer: Promise.withResolvers(),
    }
    this.#holds.push(hold)
    return {
      arrived: hold.arrived.promise,
      release: hold.released.resolve,
      answer: hold.answer.promise,
    }
  }

  close(): void {
    for (const { released } of this.#holds) released.resolve()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  /** Waits for as long as a request is held. @returns who wants to hear what came of it */
  async #heldUp(method: string, url: URL): Promise<Hold['answer']['resolve'] | undefined> {
    const hold = this.#holds.find((each) => !each.taken && each.isMeant(method, url))
    if (!hold) return undefined
    hold.taken = true
    hold.arrived.resolve()
    await hold.released.promise
    return hold.answer.resolve
  }
}
