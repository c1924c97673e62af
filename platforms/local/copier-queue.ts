import { Agent, type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import type { Write } from './copier-spool.ts'

/** How a copy may end. */
export interface Ends {
  done(write: Write): void
  /** Given up: the other colour has not got it. */
  failed(write: Write, why: string): void
}

/** More than this waiting for a colour that is away, and the next are given up. */
const MOST_WRITES = 10_000
const MOST_BYTES = 64 * 1024 * 1024

/** Of one that is answered, but badly; one that cannot be sent at all waits as long as it takes. */
const MOST_TRIES = 8
const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2_000
const ANSWER_MS = 10_000

/** A connection for each write: one that was kept may be closed by the other side as it is used. */
const agent = new Agent({ keepAlive: false })

/** The copies to one colour, one after the other in the order in which users were answered. */
export class CopyQueue {
  readonly #target: string
  readonly #ends: Ends
  readonly #waiting: Write[] = []
  #bytes = 0
  #working = false
  #stopped = false
  /** @param target the colour's address */
  constructor(target: string, ends: Ends) {
    this.#target = target
    this.#ends = ends
  }

  add(write: Write): void {
    if (this.#waiting.length >= MOST_WRITES || this.#bytes + sizeOf(write) > MOST_BYTES) {
      this.#ends.failed(write, `${this.#waiting.length} copies wait already`)
      return
    }
    this.#waiting.push(write)
    this.#bytes += sizeOf(write)
    if (!this.#working) void this.#work()
  }

  /** What waits now stays in the spool. */
  stop(): void {
    this.#stopped = true
  }

  async #work(): Promise<void> {
    this.#working = true
    for (let write = this.#waiting[0]; write && !this.#stopped; write = this.#waiting[0]) {
      const failure = await this.#copy(write)
      if (this.#stopped && failure !== undefined) break
      this.#waiting.shift()
      this.#bytes -= sizeOf(write)
      if (failure === undefined) this.#ends.done(write)
      else this.#ends.failed(write, failure)
    }
    this.#working = false
  }

  /** @returns why it was given up; undefined where the colour took it */
  async #copy(write: Write): Promise<string | undefined> {
    let waitMs = FIRST_WAIT_MS
    for (let tries = 1; ; ) {
      const { status, sent, error } = await this.#try(write)
      if (status !== undefined && status < 400) return undefined
      if (status !== undefined && isFinal(status)) return `${write.to} answered ${status}`
      const why = error ?? `${write.to} answered ${status}`
      if (sent && tries++ >= MOST_TRIES) return `${why}, ${MOST_TRIES} times`
      if (this.#stopped) return why
      await delay(waitMs)
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
    }
  }

  #try(write: Write): Promise<{ status?: number; sent: boolean; error?: string }> {
    return new Promise((resolve) => {
      const body = Buffer.from(write.body, 'base64')
      // A service that must not do one twice knows it by its id.
      const headers = { 'x-sluice-color': write.to, 'x-sluice-copy': write.id }
      const outgoing = send(this.#target, write, headers, (response) => {
        response.resume()
        response.on('error', () => {})
        resolve({ status: response.statusCode, sent: true })
      })
      outgoing.setTimeout(ANSWER_MS, () => outgoing.destroy(new Error('no answer in time')))
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        resolve({ sent: !neverSent(error), error: error.code ?? error.message })
      })
      outgoing.end(body)
    })
  }
}

/** Begins a request of a write to a colour; its body is the caller's to send. */
export function send(
  target: string,
  { method, path, headers }: Pick<Write, 'method' | 'path' | 'headers'>,
  more: Record<string, string>,
  onResponse: (response: IncomingMessage) => void,
) {
  const { hostname, port } = new URL(target)
  const all: OutgoingHttpHeaders = {}
  for (const [name, value] of headers) {
    const key = name.toLowerCase()
    const before = all[key]
    all[key] = before === undefined ? value : [before, value].flat().map(String)
  }
  return request(
    {
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port || 80,
      agent,
      method,
      path,
      headers: { ...all, ...more },
    },
    onResponse,
  )
}

/** True where the colour cannot have got anything. */
export function neverSent({ code, syscall }: NodeJS.ErrnoException): boolean {
  return syscall === 'connect' || syscall === 'getaddrinfo' || code === 'ECONNREFUSED'
}

/** The other colour refuses it, and will again. */
function isFinal(status: number): boolean {
  return status < 500 && status !== 408 && status !== 425 && status !== 429
}

function sizeOf({ body, path }: Write): number {
  return body.length + path.length + 1_000
}
