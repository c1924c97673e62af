import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable } from '../platform.ts'
import { COLOUR_HEADER } from './names.ts'
import type { Probe } from './router.ts'

const PROBE_MS = 10_000
/** Requests at once, each on a connection of its own. */
const MOST_AT_ONCE = 32
/** A gateway that has changed nothing is taken for one that has no more often than this. */
const CHANCE = 0.001
/** A colour that gets little of a slow service is waited for so many times as long. */
const MOST_TIMES = 3
/** However few would do: a gateway may be several, of which one is late. */
const LEAST_ANSWERS = 16
/** A gateway that takes longer gathers changes before it takes them. */
export const SLOW_MS = 1_000

export interface ProbeOptions {
  /** The gateway's address, such as http://gateway.example:80. */
  address: string
  host?: string
  /** A path of the service that is safe to ask. */
  path(service: string): string
  /** So long a gateway is asked before it counts as one that does not do it; default ten seconds. */
  longestMs?: number
  /** Told of a change that the gateway took long to do. */
  slow?(service: string, ms: number): void
  /** Told of a change that was all that was seen, in fewer answers than would prove it. */
  few?(service: string, answers: number, needed: number): void
}

/**
 * How many answers without one of a share's own tell that the share is gone.
 * @param share of all answers, in percent
 */
export function answersNeeded(share: number): number {
  const needed = Math.log(CHANCE) / Math.log(1 - share / 100)
  return Math.max(LEAST_ANSWERS, Math.ceil(needed))
}

/** Asks the gateway as a user does, and looks at which colour it sent the request to. */
export class GatewayProbe implements Probe {
  readonly #options: ProbeOptions
  constructor(options: ProbeOptions) {
    this.#options = options
  }

  async see(service: string, green: number, before: number): Promise<void> {
    const some = green > 0 && green < 100
    // Something of a colour that had nothing, or else of green; nothing of a colour that had something.
    const wanted = green === 0 || (some && before === 100) ? 'blue' : 'green'
    const share = (of: number) => (wanted === 'green' ? of : 100 - of)
    const needed = answersNeeded(some ? share(green) : 100 - share(before))
    const started = performance.now()
    const { longestMs = PROBE_MS } = this.#options
    let row = 0
    let answers = 0
    /** Since when nothing has spoken against it. */
    let since = started
    let last: Answer[] = []
    for (;;) {
      const length = Math.min(MOST_AT_ONCE, Math.ceil(needed / 2))
      last = await Promise.all(Array.from({ length }, () => this.#ask(service)))
      const fits = last.filter((answer) => answer === wanted).length
      // No answer says nothing of where the next one goes.
      const answered = last.filter((answer) => answer !== 'no answer').length
      answers += answered
      const now = performance.now()
      if (fits < answered) {
        row = 0
        since = now
      } else row += fits
      if (some ? fits > 0 : row >= needed) {
        if (now - started > SLOW_MS) this.#options.slow?.(service, now - started)
        return
      }
      // What a slow service has not shown yet is waited for longer, as long as nothing speaks against it.
      const isOver = some
        ? answers >= needed || now - started >= MOST_TIMES * longestMs
        : row === 0 || now - since >= longestMs
      if (isOver && now - started >= longestMs) break
      await pause(10)
    }
    // Held up for longer it would hardly be surer.
    if (!some && row >= LEAST_ANSWERS) {
      this.#options.few?.(service, row, needed)
      return
    }
    const seen =
      row > 0 && !some
        ? `only ${row} answers were as it says`
        : `it sent the last requests to ${tally(last)}`
    throw new Unavailable(
      `the gateway has taken green ${green} of ${service}, but does not do it as far as can be seen: ${seen}; next: ask ${this.#options.address} yourself, the answer's ${COLOUR_HEADER} says which colour it was sent to`,
    )
  }

  #ask(service: string): Promise<Answer> {
    const { address, host, path } = this.#options
    return new Promise((resolve) => {
      const asked = request(
        new URL(path(service), address),
        { agent: false, timeout: 2_000, headers: host === undefined ? {} : { host } },
        (answer) => {
          answer.resume()
          const colour = answer.headers[COLOUR_HEADER]
          resolve(typeof colour === 'string' ? colour : 'no colour')
        },
      )
      asked.once('timeout', () => asked.destroy())
      asked.once('error', () => resolve('no answer'))
      asked.end()
    })
  }
}

/** @example tally(['blue', 'green', 'blue']) // 'blue 2, green 1' */
function tally(answers: readonly Answer[]): string {
  const kinds = [...new Set(answers)]
  return kinds.map((kind) => `${kind} ${answers.filter((each) => each === kind).length}`).join(', ')
}

/** The colour that a request was sent to, or why nobody knows. */
type Answer = string
