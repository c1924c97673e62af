import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../platform.ts'
import { COLOUR_HEADER } from './names.ts'
import type { Probe } from './router.ts'

const PROBE_MS = 10_000
/** Requests at once, each on a connection of its own. */
const BURST = 8
/** So many bursts in a row must show nothing but what is wanted. */
const IN_A_ROW = 2
/** A share of 1 % is seen in so many requests but for once in a hundred. */
const MOST_REQUESTS = 460
/** A gateway that takes longer gathers changes before it takes them. */
export const SLOW_MS = 1_000

export interface ProbeOptions {
  /** The gateway's address, such as http://gateway.example:80. */
  address: string
  host?: string
  /** A path of the service that is safe to ask. */
  path(service: string): string
  /** Told of a change that the gateway took long to do. */
  slow?(service: string, ms: number): void
}

/** Asks the gateway as a user does, and looks at which colour it sent the request to. */
export class GatewayProbe implements Probe {
  readonly #options: ProbeOptions
  constructor(options: ProbeOptions) {
    this.#options = options
  }

  async see(service: string, green: number): Promise<void> {
    const started = performance.now()
    let rows = 0
    let asked = 0
    let last = 'nothing'
    while (performance.now() - started < PROBE_MS) {
      const burst = await Promise.all(Array.from({ length: BURST }, () => this.#ask(service)))
      asked += BURST
      const fits = (colour: string | undefined) =>
        green === 0 ? colour === 'blue' : green === 100 ? colour === 'green' : colour !== undefined
      last = burst.map((colour) => colour ?? 'no answer').join(', ')
      rows = burst.every(fits) ? rows + 1 : 0
      const some = green > 0 && green < 100
      const enough = burst.includes('green') || asked >= MOST_REQUESTS
      const seen = some ? rows > 0 && enough : rows >= IN_A_ROW
      if (seen) {
        const ms = performance.now() - started
        if (ms > SLOW_MS) this.#options.slow?.(service, ms)
        return
      }
      await pause(10)
    }
    throw new Unavailable(
      `the gateway has taken green ${green} of ${service}, but does not do it: it sent the last requests to ${last}; next: ask ${this.#options.address} yourself, the answer's ${COLOUR_HEADER} says which colour it was sent to`,
    )
  }

  #ask(service: string): Promise<string | undefined> {
    const { address, host, path } = this.#options
    return new Promise((resolve) => {
      const asked = request(
        new URL(path(service), address),
        { agent: false, timeout: 2_000, headers: host === undefined ? {} : { host } },
        (answer) => {
          answer.resume()
          const colour = answer.headers[COLOUR_HEADER]
          resolve(typeof colour === 'string' ? colour : undefined)
        },
      )
      asked.once('timeout', () => asked.destroy())
      asked.once('error', () => resolve(undefined))
      asked.end()
    })
  }
}
